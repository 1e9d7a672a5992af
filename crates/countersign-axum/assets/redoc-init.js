// Starts ReDoc with the fonts of the reader's machine.
"use strict";
(() => {
  const fontFamily = "system-ui, sans-serif";
  Redoc.init(
    new URL("openapi.json", document.baseURI).href,
    {
      theme: {
        typography: { fontFamily, headings: { fontFamily }, code: { fontFamily: "ui-monospace, monospace" } },
      },
    },
    document.getElementById("redoc"),
  );
})();
