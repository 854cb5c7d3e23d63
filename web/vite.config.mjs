import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

// The documents: the console, and the phone pages, which must stay small.
const phonePages = ["me", "scan", "staff", "public"];

/** Phone pages are shown with the first answer: their style stands in the document (the server puts
 *  its hash into the content security policy), and the service worker knows what a release is made of. */
function phoneRelease() {
  const asText = (source) => (typeof source === "string" ? source : new TextDecoder().decode(source));
  function inlineStyle(document, bundle) {
    let style = "";
    const without = document.replace(
      /\s*<link rel="stylesheet"[^>]*href="\/([^"]+)">/g,
      (_, name) => {
        style += asText(bundle[name].source);
        return "";
      },
    );
    if (/<\/style|\r/i.test(style)) throw new Error("the style would end early, or be hashed wrong");
    return without.replace("</head>", `  <style>${style}</style>\n  </head>`);
  }
  function release(bundle) {
    const files = new Set(["icon.svg"]);
    for (const page of phonePages)
      for (const [, name] of bundle[`${page}.html`].source.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g))
        files.add(name);
    for (const name of Object.keys(bundle)) if (/^assets\/decoder-/.test(name)) files.add(name);
    const kept = [...phonePages, ...[...files].sort()].map((name) => `/${name}`);
    const hash = createHash("sha256");
    for (const page of phonePages) hash.update(bundle[`${page}.html`].source);
    hash.update(kept.join());
    return readFileSync("src/phone/service-worker.js", "utf8")
      .replace('"RELEASE"', JSON.stringify(hash.digest("hex").slice(0, 12)))
      .replace('["KEPT"]', JSON.stringify(kept));
  }
  return {
    name: "phone-release",
    enforce: "post",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        for (const page of phonePages) {
          const document = bundle[`${page}.html`];
          document.source = inlineStyle(asText(document.source), bundle);
        }
        this.emitFile({ type: "asset", fileName: "phone-worker.js", source: release(bundle) });
      },
    },
  };
}

export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { input: ["index.html", ...phonePages.map((page) => `${page}.html`)] },
  },
  worker: { format: "es" },
  plugins: [phoneRelease()],
  server: {
    proxy: { "/api": process.env.CHENGMAI_SERVER ?? "http://127.0.0.1:8080" },
  },
});
