export { Catalog, loadCatalog, watchCatalog, type BoardOf } from './catalog.ts';
export { CatalogError, parseCatalog } from './parse.ts';
