//! TLS on the server's own listener.

use crate::settings::table::Setting;
use crate::settings::value::path_from;

pub(super) const CERTIFICATE: Setting = Setting {
    name: "tls-certificate",
    value: "FILE",
    help: "Speak TLS, with the certificates in this PEM file, the server's own first; read anew when it changes, and on SIGHUP. Without it: plain HTTP",
    is_path: true,
    read: |settings, text| path_from(text).map(|path| settings.tls_certificate = path),
    show: |settings| settings.tls_certificate.as_ref().map_or(String::new(), |path| path.display().to_string()),
};

pub(super) const KEY: Setting = Setting {
    name: "tls-key",
    value: "FILE",
    help: "The private key of the certificate, as a PEM file",
    is_path: true,
    read: |settings, text| path_from(text).map(|path| settings.tls_key = path),
    show: |settings| settings.tls_key.as_ref().map_or(String::new(), |path| path.display().to_string()),
};
