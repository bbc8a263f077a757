import vue from "@vitejs/plugin-vue";
import Components from "unplugin-vue-components/vite";
import { ElementPlusResolver } from "unplugin-vue-components/resolvers";
import { defineConfig } from "vitest/config";

// chrome87 and safari14 cover the Chromium of old office browsers and phone web views; Vite's own default is newer.
export default defineConfig({
  plugins: [vue(), Components({ dts: false, dirs: [], resolvers: [ElementPlusResolver()] })],
  build: { target: ["chrome87", "safari14"], chunkSizeWarningLimit: 700 },
  // The unit tests read the codes of the office from its sources.
  server: { fs: { allow: [".."] }, proxy: { "/api": process.env.PREWATT_SERVER ?? "http://127.0.0.1:8080" } },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.ts"],
    server: { deps: { inline: ["element-plus"] } },
  },
});
