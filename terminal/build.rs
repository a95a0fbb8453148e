//! Compiles the screens, with their fonts inside the program. Their texts are translated when it runs (`src/language.rs`).

#[cfg(not(feature = "window"))]
fn main() {}

#[cfg(feature = "window")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = slint_build::CompilerConfiguration::new()
        .with_style("fluent-light".into())
        .embed_resources(slint_build::EmbedResourcesKind::EmbedFiles)
        .with_default_translation_context(slint_build::DefaultTranslationContext::None)
        // Lets whole-system tests find what a person would touch, by its accessible label.
        .with_debug_info(true);
    slint_build::compile_with_config("ui/main_window.slint", config)?;
    Ok(())
}
