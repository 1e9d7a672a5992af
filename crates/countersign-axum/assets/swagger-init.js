// Starts Swagger UI. All addresses are relative to the page, so that it works behind any path prefix; nothing is read
// from the query of the page's own address.
"use strict";
(() => {
  const here = (path) => new URL(path, document.baseURI);
  const prefix = here(".").pathname.slice(0, -1);

  // A document without servers means the root of the host. Behind a prefix, that is the prefix.
  const serverHere = (spec) => (prefix && !spec.servers ? { ...spec, servers: [{ url: prefix }] } : spec);
  const prefixPlugin = {
    statePlugins: { spec: { wrapActions: { updateJsonSpec: (update) => (spec) => update(serverHere(spec)) } } },
  };

  SwaggerUIBundle({
    dom_id: "#swagger-ui",
    url: here("openapi.json").href,
    oauth2RedirectUrl: here("docs/oauth2-redirect").href,
    layout: "BaseLayout",
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [prefixPlugin],
    deepLinking: true,
    validatorUrl: null,
    queryConfigEnabled: false,
    persistAuthorization: false,
    displayRequestDuration: true,
  });
})();
