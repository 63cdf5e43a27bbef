import { defineConfig } from 'vite';

/** Where `npm run dev` finds the game server. */
const server = 'http://127.0.0.1:2567';

export default defineConfig({
  base: './',
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // The icons are part of the script, so that one request brings them all.
    assetsInlineLimit: 4096,
    rollupOptions: { input: ['index.html', 'ops.html'].map((page) => `${import.meta.dirname}/${page}`) },
  },
  server: {
    proxy: {
      '^/(auth|matchmake|catalog|leaderboards|ops/api)(/|$|[?])': server,
      // A room's socket is at /<process>/<room>; Vite's own socket is at /.
      '^/[\\w-]+/[\\w-]+[?].*sessionId=': { target: server, ws: true },
    },
  },
});
