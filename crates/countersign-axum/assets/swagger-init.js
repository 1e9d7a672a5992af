// Starts Swagger UI. All addresses are relative to the page, so that it works behind any path prefix; nothing is read
// from the page's own address.
"use strict";
SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: new URL("openapi.json", document.baseURI).href,
  oauth2RedirectUrl: new URL("docs/oauth2-redirect", document.baseURI).href,
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  validatorUrl: null,
  queryConfigEnabled: false,
  persistAuthorization: false,
  displayRequestDuration: true,
});
