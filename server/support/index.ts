export { Erasure } from './erasure.ts';
export { Support } from './support.ts';
