//! Letters and digits, drawn with the fonts of this device: pictures that need no download, and are others on each
//! device. Where a worker has no canvas, the data crate's own drawings stand in.

use data::{Picture, glyphs};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{OffscreenCanvas, OffscreenCanvasRenderingContext2d as Context};

/// Families by their generic names, which every device fills with its own, and ways to draw them.
const FONTS: [&str; 12] = [
    "serif",
    "italic 22px serif",
    "bold 22px serif",
    "sans-serif",
    "bold 22px sans-serif",
    "italic 22px sans-serif",
    "monospace",
    "bold 22px monospace",
    "cursive",
    "fantasy",
    "system-ui",
    "ui-rounded",
];
/// The classes.
const GLYPHS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Every glyph in every font that differs here, bright on dark, with its name.
#[must_use]
pub fn drawings() -> Vec<(String, Picture)> {
    let drawn = context().and_then(|context| draw(&context));
    drawn.filter(|drawn| !drawn.is_empty()).unwrap_or_else(glyphs::bundled)
}

fn context() -> Option<Context> {
    let side = u32::try_from(glyphs::SIDE).ok()?;
    let canvas = OffscreenCanvas::new(side, side).ok()?;
    let options = js_sys::Object::new();
    js_sys::Reflect::set(&options, &"willReadFrequently".into(), &JsValue::TRUE).ok()?;
    canvas.get_context_with_context_options("2d", &options).ok()??.dyn_into().ok()
}

fn draw(context: &Context) -> Option<Vec<(String, Picture)>> {
    let side = glyphs::SIDE as f64;
    let mut drawings: Vec<(String, Picture)> = Vec::new();
    context.set_text_align("center");
    context.set_text_baseline("middle");
    for glyph in GLYPHS.chars().map(String::from) {
        let first = drawings.len();
        for font in FONTS {
            let sized = if font.contains(' ') { font.to_owned() } else { format!("22px {font}") };
            context.set_font(&sized);
            context.set_fill_style_str("#000");
            context.fill_rect(0.0, 0.0, side, side);
            context.set_fill_style_str("#fff");
            context.fill_text(&glyph, side / 2.0, side / 2.0 + 1.0).ok()?;
            let pixels = context.get_image_data(0.0, 0.0, side, side).ok()?.data().0;
            let gray: Vec<u8> = pixels.chunks_exact(4).map(|pixel| pixel[0]).collect();
            let picture = Picture::new(glyphs::SIDE, glyphs::SIDE, 1, gray).ok()?;
            // A family that this device has not is drawn like another, a glyph that a font has not like nothing.
            let blank = picture.pixels().iter().all(|pixel| *pixel == 0);
            if !blank && drawings[first..].iter().all(|(_, other)| *other != picture) {
                drawings.push((glyph.clone(), picture));
            }
        }
    }
    Some(drawings)
}
