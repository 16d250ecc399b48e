import { defineConfig } from "vitest/config";

// One script and one stylesheet, no inline code: the service sends `default-src 'self'`.
export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: true,
  },
  test: { include: ["test/**/*.test.ts"] },
});
