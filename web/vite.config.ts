// The page's build. `dist` holds each file twice, as it is and as NAME.gz: the binary embeds them and sends either as it lies.
// `npm run dev` serves the sources; its API is a running server (PAWL_SERVER) or, with FAKE=1, the made-up one of dev/fake.ts.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

// Level 9 and no time in the header: the same sources give the same bytes.
function also_gzipped(): Plugin {
  let folder = "";
  return {
    name: "also-gzipped",
    apply: "build",
    configResolved: (config) => void (folder = config.build.outDir),
    closeBundle() {
      for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
        const path = join(folder, name);
        if (statSync(path).isDirectory()) continue;
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      }
    },
  };
}

export default defineConfig(async ({ command }) => ({
  oxc: { jsx: { runtime: "automatic" as const, importSource: "preact" } },
  plugins: [
    also_gzipped(),
    ...(command === "serve" && process.env["FAKE"] ? [(await import("./dev/fake.ts")).fake_api()] : []),
  ],
  build: {
    outDir: join(import.meta.dirname, "dist"),
    target: "es2022",
    modulePreload: { polyfill: false }, // the polyfill would be an inline script
    assetsInlineLimit: 0,               // no data: addresses, the content policy refuses them
    reportCompressedSize: false,
  },
  server: {
    host: "127.0.0.1",
    proxy: process.env["FAKE"] ? {} : { "/api": process.env["PAWL_SERVER"] ?? "http://127.0.0.1:5000" },
  },
}));
