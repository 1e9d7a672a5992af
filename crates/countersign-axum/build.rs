//! Takes the scripts and styles of the documentation pages out of published crates, and packs them for the binary.
//!
//! Swagger UI comes as a zip archive in `utoipa-swagger-ui-vendored`, ReDoc out of `aide` by way of `redoc/`; the rest
//! is in `assets/`. Each file is compressed and named by its content, so that it can be cached for ever.

#[cfg(feature = "docs")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    docs::pack()
}

#[cfg(not(feature = "docs"))]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}

#[cfg(feature = "docs")]
mod docs {
    use std::error::Error;
    use std::fmt::Write as _;
    use std::io::{Cursor, Read as _, Write as _};
    use std::path::{Path, PathBuf};
    use std::{env, fs};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use sha2::{Digest as _, Sha256};

    /// Our own files, and where they come from.
    const OWN: [(&str, &str); 4] = [
        ("swagger-init.js", "assets/swagger-init.js"),
        ("swagger-page.css", "assets/swagger-page.css"),
        ("redoc-init.js", "assets/redoc-init.js"),
        ("redoc-page.css", "assets/redoc-page.css"),
    ];
    /// The files of Swagger UI, and their names in its archive.
    const SWAGGER_UI: [(&str, &str); 3] = [
        ("swagger-ui.js", "dist/swagger-ui-bundle.js"),
        ("swagger-ui.css", "dist/swagger-ui.css"),
        ("oauth2-redirect.js", "dist/oauth2-redirect.js"),
    ];

    pub(crate) fn pack() -> Result<(), Box<dyn Error>> {
        println!("cargo::rerun-if-changed=build.rs");
        println!("cargo::rerun-if-changed=assets");
        let out = PathBuf::from(env::var("OUT_DIR")?);
        let mut table = String::new();
        for (name, path) in OWN {
            pack_file(name, &fs::read(path)?, &out, &mut table)?;
        }
        for (name, path) in SWAGGER_UI {
            pack_file(name, &swagger_ui(path)?, &out, &mut table)?;
        }
        pack_file("redoc.js", countersign_axum_redoc::script()?.as_bytes(), &out, &mut table)?;
        fs::write(out.join("assets.rs"), table)?;
        Ok(())
    }

    /// Writes the compressed file, and a constant that includes it.
    fn pack_file(name: &str, content: &[u8], out: &Path, table: &mut String) -> Result<(), Box<dyn Error>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content)?;
        fs::write(out.join(name), encoder.finish()?)?;
        let hash = Sha256::digest(content).as_slice().first_chunk().copied().map(u128::from_be_bytes);
        let hash = format!("{:032x}", hash.ok_or("a digest has 32 bytes")?);
        let (stem, extension) = name.rsplit_once('.').ok_or("a file without an extension")?;
        let content_type = if extension == "css" { "text/css" } else { "text/javascript" };
        let constant = name.to_uppercase().replace(['-', '.'], "_");
        writeln!(
            table,
            "/// `{name}`\npub(crate) const {constant}: Asset = Asset {{\n    name: \"{stem}-{hash}.{extension}\",\n    \
             content_type: \"{content_type}; charset=utf-8\",\n    hash: \"{hash}\",\n    gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\")),\n}};",
        )?;
        Ok(())
    }

    fn swagger_ui(path: &str) -> Result<Vec<u8>, Box<dyn Error>> {
        let mut archive = zip::ZipArchive::new(Cursor::new(utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED))?;
        let names: Vec<String> = archive.file_names().map(|name| name.map(String::from)).collect::<Result<_, _>>()?;
        // The folder is named by the version; `flavors/` has files of the same names, further down.
        let name = names.iter().find(|name| name.split_once('/').is_some_and(|(_, rest)| rest == path));
        let mut file = archive.by_name(name.ok_or_else(|| format!("no {path} in the archive of Swagger UI"))?)?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        Ok(content)
    }
}
