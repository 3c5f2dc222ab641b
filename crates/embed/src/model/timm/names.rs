//! The weights of ResNet in timm, and in OpenCLIP, by the names that they have in transformers.

use crate::weights::renamed::{Part, Source};

/// Where a tensor is.
pub(in crate::model) fn of_resnet(name: &str) -> Source {
    let parts: Vec<&str> = name.split('.').collect();
    let name = match parts.as_slice() {
        ["embedder", "embedder", kind, tensor] => format!("{}1.{tensor}", short(kind)),
        ["embedder", n, kind, tensor] => format!("{}{}.{tensor}", short(kind), next(n)),
        ["encoder", "stages", stage, "layers", layer, "layer", n, kind, tensor] => {
            format!("layer{}.{layer}.{}{}.{tensor}", next(stage), short(kind), next(n))
        }
        ["encoder", "stages", stage, "layers", layer, "shortcut", kind, tensor] => {
            let n = usize::from(*kind == "normalization");
            format!("layer{}.{layer}.downsample.{n}.{tensor}", next(stage))
        }
        _ => name.to_owned(),
    };
    Source { name, part: Part::All }
}

fn short(kind: &str) -> &'static str {
    if kind == "convolution" { "conv" } else { "bn" }
}

/// timm counts from one.
fn next(number: &str) -> usize {
    number.parse().map_or(0, |number: usize| number + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_name_is_found() {
        let found = |name: &str| of_resnet(name).name;
        assert_eq!(found("embedder.embedder.normalization.bias"), "bn1.bias");
        assert_eq!(found("embedder.1.convolution.weight"), "conv2.weight");
        let layer = "encoder.stages.2.layers.5";
        assert_eq!(found(&format!("{layer}.layer.1.convolution.weight")), "layer3.5.conv2.weight");
        let shortcut = found(&format!("{layer}.shortcut.normalization.running_var"));
        assert_eq!(shortcut, "layer3.5.downsample.1.running_var");
    }
}
