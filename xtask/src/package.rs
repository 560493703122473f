//! `cargo xtask package`: everything of a release, in `dist/`. The same commit gives the same bytes, wherever it is built.
//!
//! ```text
//! kubectl ───── zig ─► kubectl-hpa_override-linux-{amd64,arm64}.tar.gz ─► krew.yaml
//! host-shim ─── zig ─► host-shim-linux-{amd64,arm64} ─── crane ─► image/ (OCI layout) ─► its digest ──┐
//! deploy/ ──── kustomize ────────────────────────────────────────────────► install*.yaml ◄────────────┘
//! deploy/helm ─► hpa-override-chart-VERSION.tgz          crd/schemas ─► autoscaleroverride_v1.json
//! cargo xtask dist ─► policy.wasm, the component, js/ ─► hpa-override-js-VERSION.tgz
//! Cargo.lock ─► *.cdx.json (SBOM), *.licences.txt        all ─► artifacts.json, SHA256SUMS
//! ```
//! Nothing is signed or pushed here.

mod archive;
mod binaries;
mod contents;
mod image;
mod licences;
mod manifests;
mod plugin;
pub(crate) mod publish;
mod registry;
mod sbom;

use anyhow::{Context, Result, ensure};

use self::{
    archive::Archive,
    binaries::{PLATFORMS, PROGRAM},
    contents::{Contents, Materials},
};
use crate::{
    dist,
    workspace::{Workspace, read},
};

const SCHEMA: &str = "crd/schemas/hpa-override.dev/autoscaleroverride_v1.json";

/// How to package.
#[derive(clap::Args)]
pub(crate) struct PackageArgs {
    /// Also where files are changed that are not committed: the image then names a commit that it is not made of.
    #[arg(long)]
    allow_dirty: bool,
}

/// Makes all of it.
pub(crate) fn run(workspace: &Workspace, args: &PackageArgs) -> Result<()> {
    let changed = workspace.git("status --porcelain").stdout()?;
    ensure!(
        args.allow_dirty || changed.is_empty(),
        "not all is committed; commit it, or try without by --allow-dirty:\n{changed}"
    );
    dist::ensure_optimised(workspace)?;
    dist::run(workspace)?;
    let folder = workspace.root.join("dist");
    let version = workspace.version_of(binaries::PACKAGE)?;
    let mut contents = Contents::new(&folder, version)?;

    let (mut programs, mut beside) = (Vec::new(), Archive::default());
    beside.file("licenses/LICENSE", read(&workspace.root.join("LICENSE"))?);
    let licences = licences::of(workspace, binaries::PACKAGE)?;
    beside.file("licenses/host-shim.licences.txt", licences.clone().into_bytes());
    for platform in PLATFORMS {
        let built = binaries::build(workspace, platform, binaries::PACKAGE, PROGRAM)?;
        let sbom = sbom::of(workspace, binaries::PACKAGE, platform.target)?;
        let materials = Materials { sbom, licences: licences.clone() };
        let name = format!("{PROGRAM}-linux-{}", platform.architecture);
        contents.program(&name, &read(&built)?, "the controller, a static program", &materials)?;
        programs.push((platform, built));
    }
    let (manuals, mut archives) = (plugin::manuals(workspace)?, Vec::new());
    for platform in PLATFORMS {
        let built = binaries::build(workspace, platform, plugin::PACKAGE, plugin::PROGRAM)?;
        let materials = Materials::of(workspace, plugin::PACKAGE, platform.target)?;
        let at = ("linux", platform.architecture);
        let sum = plugin::archive(workspace, &mut contents, at, &built, &materials, &manuals)?;
        archives.push((platform.architecture, sum));
    }
    contents.file("krew.yaml", plugin::krew(version, &archives)?.as_bytes(), "the plugin's manifest for krew")?;
    let digest = image::make(workspace, &programs, &beside, &folder.join("image"))?;
    contents.image("image", &digest);

    for (name, text) in manifests::rendered(workspace, &digest)? {
        contents.file(name, text.as_bytes(), "everything to apply, with the image by its digest")?;
    }
    contents.file(&format!("hpa-override-chart-{version}.tgz"), &manifests::chart(workspace)?, "the Helm chart")?;
    contents.file("autoscaleroverride_v1.json", workspace.read(SCHEMA)?.as_bytes(), "the JSON Schema")?;
    let npm = Archive::folder(&dist::package(workspace), "package")?.to_tar_gz()?;
    let materials = Materials::of(workspace, "hpa-override-js", dist::BARE)?;
    contents.compiled(&format!("hpa-override-js-{version}.tgz"), &npm, "the package for npm", &materials)?;
    for (path, what, package, target) in [
        (dist::module(workspace), "the policy for Kubewarden", dist::POLICY, dist::WASI),
        (dist::component(workspace), "the WebAssembly component", dist::COMPONENT, dist::BARE),
    ] {
        let name = path.file_name().and_then(|name| name.to_str()).context("a module has no name")?;
        contents.compiled(name, &read(&path)?, what, &Materials::of(workspace, package, target)?)?;
    }
    print!("{}", contents.write()?);
    println!("package: image {digest}");
    Ok(())
}
