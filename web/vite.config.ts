import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import vue from "@vitejs/plugin-vue";
import Components from "unplugin-vue-components/vite";
import { ElementPlusResolver } from "unplugin-vue-components/resolvers";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// third-party.txt: name, version and licence of every package whose code is in the pages; the licences ask for it.
function licences(): Plugin {
  return {
    name: "licences",
    generateBundle(_, bundle) {
      const folders = new Set<string>();
      for (const chunk of Object.values(bundle))
        if (chunk.type === "chunk")
          for (const id of Object.keys(chunk.modules)) {
            const match = /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id);
            if (match && existsSync(join(match[1]!, "package.json"))) folders.add(match[1]!);
          }
      const parts = [...folders].map((folder) => {
        const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name: string; version: string; license?: string };
        const texts = readdirSync(folder, { withFileTypes: true }).filter((file) => file.isFile() && /^(licen[cs]e|notice|copying)/i.test(file.name)).map((file) => file.name).sort().map((file) => readFileSync(join(folder, file), "utf8").trim());
        return `${about.name} ${about.version}\n${about.license ?? ""}\n\n${texts.join("\n\n")}\n`;
      });
      this.emitFile({ type: "asset", fileName: "third-party.txt", source: parts.sort().join(`\n${"-".repeat(78)}\n\n`) });
    },
  };
}

// chrome87 and safari14 cover the Chromium of old office browsers and phone web views; Vite's own default is newer.
export default defineConfig({
  plugins: [vue(), Components({ dts: false, dirs: [], resolvers: [ElementPlusResolver()] }), licences()],
  build: { target: ["chrome87", "safari14"], chunkSizeWarningLimit: 700 },
  // The unit tests read the codes of the office from its sources.
  server: { fs: { allow: [".."] }, proxy: { "/api": process.env.PREWATT_SERVER ?? "http://127.0.0.1:8080" } },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.ts"],
    server: { deps: { inline: ["element-plus"] } },
  },
});
