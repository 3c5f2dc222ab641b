//! The weights of OpenCLIP under the names that they have in transformers: queries, keys and values are
//! one tensor there, and the projections are the other way round.

use candle_nn::VarBuilder;

use crate::weights::renamed::{Part, Source, renamed};

/// The same weights, to be asked for by the names of `CLIPModel`.
pub(super) fn as_in_transformers(weights: VarBuilder<'static>) -> VarBuilder<'static> {
    let has_text = weights.contains_tensor("text.token_embedding.weight");
    let text = if has_text { "text." } else { "" };
    renamed(weights, move |name| source(name, text))
}

/// Parts of names: in transformers, in OpenCLIP. A part that contains another stands before it.
const NAMES: [(&str, &str); 16] = [
    ("vision_model.", "visual."),
    ("embeddings.token_embedding.", "token_embedding."),
    ("embeddings.position_embedding.weight", "positional_embedding"),
    ("embeddings.patch_embedding.", "conv1."),
    ("embeddings.class_embedding", "class_embedding"),
    ("pre_layrnorm.", "ln_pre."),
    ("post_layernorm.", "ln_post."),
    ("final_layer_norm.", "ln_final."),
    ("encoder.layers.", "transformer.resblocks."),
    ("self_attn.q_proj.", "attn.{query}"),
    ("self_attn.k_proj.", "attn.{key}"),
    ("self_attn.v_proj.", "attn.{value}"),
    ("self_attn.", "attn."),
    ("layer_norm", "ln_"),
    ("mlp.fc1.", "mlp.c_fc."),
    ("mlp.fc2.", "mlp.c_proj."),
];

/// Where a tensor is, of a model that keeps its text tower under a name, which may be empty.
fn source(name: &str, text: &str) -> Source {
    let transposed = |name| Source { name, part: Part::Transposed };
    match name {
        "visual_projection.weight" => transposed("visual.proj".to_owned()),
        "text_projection.weight" => transposed(format!("{text}text_projection")),
        "text_model.head.weight" | "text_model.head.bias" => {
            let name = name.replace("text_model.head", &format!("{text}text_projection"));
            Source { name, part: Part::All }
        }
        _ => Source::renamed(&name.replace("text_model.", text), &NAMES, "in_proj_"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_name_is_found() {
        let layer = "vision_model.encoder.layers.3";
        let key = source(&format!("{layer}.self_attn.k_proj.bias"), "");
        let name = "visual.transformer.resblocks.3.attn.in_proj_bias".to_owned();
        assert_eq!(key, Source { name, part: Part::Third(1) });
        let found = |name: &str| source(name, "text.").name;
        let norm = found(&format!("{layer}.layer_norm2.weight"));
        assert_eq!(norm, "visual.transformer.resblocks.3.ln_2.weight");
        let positions = found("text_model.embeddings.position_embedding.weight");
        assert_eq!(positions, "text.positional_embedding");
        assert_eq!(found("text_model.final_layer_norm.bias"), "text.ln_final.bias");
        assert_eq!(found("text_model.head.bias"), "text.text_projection.bias");
        assert_eq!(found("vision_model.embeddings.patch_embedding.weight"), "visual.conv1.weight");
    }
}
