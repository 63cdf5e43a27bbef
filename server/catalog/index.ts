export { Catalog, loadCatalog, watchCatalog } from './catalog.ts';
export { CatalogError, parseCatalog } from './parse.ts';
