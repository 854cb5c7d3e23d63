import { defineConfig } from "vite";

// Two documents: the console, and the phone page of a holder, which must stay small. Both run under a
// content security policy without inline script or style, so nothing is inlined.
export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { input: ["index.html", "me.html"] },
  },
  server: {
    proxy: { "/api": process.env.CHENGMAI_SERVER ?? "http://127.0.0.1:8080" },
  },
});
