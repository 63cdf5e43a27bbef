import { defineConfig } from 'vite';

/** One script and one style sheet, to be put into the page. */
export default defineConfig({
  build: {
    target: 'es2022',
    emptyOutDir: false,
    lib: { entry: 'page.ts', formats: ['iife'], name: 'report', fileName: () => 'page.js', cssFileName: 'page' },
  },
});
