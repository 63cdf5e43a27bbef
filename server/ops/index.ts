export { startAudits } from './audits.ts';
export { ProcessWatch, SAMPLE_EVERY_MS } from './process-watch.ts';
export { seriesOf } from './series.ts';
