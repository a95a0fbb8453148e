//! Compiles the screens, with their fonts and translations inside the program.

#[cfg(not(feature = "window"))]
fn main() {}

#[cfg(feature = "window")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = slint_build::CompilerConfiguration::new()
        .with_style("fluent-light".into())
        .embed_resources(slint_build::EmbedResourcesKind::EmbedFiles)
        .with_default_translation_context(slint_build::DefaultTranslationContext::None)
        .with_bundled_translations("lang")
        // Lets whole-system tests find what a person would touch, by its accessible label.
        .with_debug_info(true);
    slint_build::compile_with_config("ui/main_window.slint", config)?;
    println!("cargo:rerun-if-changed=lang/zh/LC_MESSAGES/evertill-terminal.po");
    Ok(())
}
