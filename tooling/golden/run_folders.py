"""Runs models in quantized folders by transformers on the CPU, and writes such folders by the library compressed-tensors.

    python3 tooling/golden/run_folders.py < REQUEST  ->  {"versions": {...}, "logits": {folder: [[...], ...]}, "failed": {folder: reason}}

REQUEST is JSON: `ids`, sequences of tokens; `write`, a list of {"from": FOLDER, "to": FOLDER, "scheme": {...}} whose schemes have the fields of
an entry of `config_groups`; `read`, folders. Of each folder the logits of the last token of each sequence are given, of a written one as the
library computes them before it stores anything. GPTQ and AWQ need the package gptqmodel.

Scales are widened to f32 before weights are decoded, so that a weight is not rounded to f16 once more.
"""
import contextlib
import json
import os
import sys
import warnings

# Packages print banners and progress to stdout; the answer alone goes there.
answer_to = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
warnings.filterwarnings("ignore")

# Kernels of GPTQ would be compiled, which takes minutes.
os.environ["TORCHDYNAMO_DISABLE"] = "1"

import torch
import transformers
from transformers import AutoModelForCausalLM

transformers.logging.set_verbosity_error()


def logits_of(model, sequences):
    with torch.no_grad():
        return [model(torch.tensor([ids])).logits[0, -1].float().tolist() for ids in sequences]


@contextlib.contextmanager
def codes_to_127():
    """Rounds inputs as Tessera does: to codes of -127 to 127 (-7 to 7 of 4 bits), of which a token's largest value gets the last. The library
    lets inputs below a static scale's range fall to -128, and divides a token's largest value by 127.5."""
    try:
        from compressed_tensors.quantization.lifecycle import forward
    except ImportError:
        yield
        return
    scales, limits = forward.compute_dynamic_scales_and_zp, forward.calculate_range

    def scales_of(value, args, module, global_scale=None):
        scale, zero = scales(value, args, module, global_scale)
        most = 2 ** (args.num_bits - 1) - 1
        return (scale * ((most + 0.5) / most) if args.symmetric else scale), zero

    def limits_of(args, device):
        least, most = limits(args, device)
        return (-most if args.symmetric else least), most

    forward.compute_dynamic_scales_and_zp, forward.calculate_range = scales_of, limits_of
    try:
        yield
    finally:
        forward.compute_dynamic_scales_and_zp, forward.calculate_range = scales, limits


def config_of(folder):
    with open(os.path.join(folder, "config.json")) as file:
        return json.load(file).get("quantization_config")


def loaded(folder):
    """With zero points packed in words, transformers makes room for unpacked ones: such folders it reads only as it decodes them."""
    config, options = config_of(folder), {}
    method = config and config["quant_method"]
    if method == "compressed-tensors":
        groups = config["config_groups"].values()
        if any(not group["weights"]["symmetric"] and (group.get("format") or config["format"]) == "pack-quantized" for group in groups):
            options["quantization_config"] = transformers.CompressedTensorsConfig(dequantize=True)
    elif method in ("gptq", "awq"):
        # Kernels in plain torch; others are compiled on first use, which takes minutes.
        kind = transformers.GPTQConfig if method == "gptq" else transformers.AwqConfig
        options["quantization_config"] = kind(bits=config["bits"], group_size=config["group_size"], backend="torch" if method == "gptq" else "torch_awq")
    with wide_scales() if options.get("quantization_config") is not None and method == "compressed-tensors" else contextlib.nullcontext():
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)
    for module in model.modules():
        for name in ("weight_scale", "scales"):
            scale = getattr(module, name, None)
            if isinstance(scale, torch.nn.Parameter):
                scale.data = scale.data.float()
            elif isinstance(scale, torch.Tensor):
                setattr(module, name, scale.float())
    return model.eval()


@contextlib.contextmanager
def wide_scales():
    from compressed_tensors.compressors import BaseCompressor

    compressor = BaseCompressor.get_value_from_registry("pack-quantized")
    original = compressor.decompress
    compressor.decompress = lambda state, scheme: original({**state, "weight_scale": state["weight_scale"].float()}, scheme)
    try:
        yield
    finally:
        compressor.decompress = original


def written(job, sequences):
    from compressed_tensors.compressors import ModelCompressor
    from compressed_tensors.quantization import QuantizationConfig, QuantizationStatus, apply_quantization_config
    from compressed_tensors.quantization.utils import calculate_qparams

    model = AutoModelForCausalLM.from_pretrained(job["from"], dtype=torch.float32).eval()
    groups = {"group_0": {"targets": ["Linear"], **job["scheme"]}}
    apply_quantization_config(model, QuantizationConfig(config_groups=groups, ignore=["lm_head"], quantization_status=QuantizationStatus.FROZEN))
    for module in model.modules():
        args = getattr(getattr(module, "quantization_scheme", None), "weights", None)
        if args is None:
            continue
        rows, columns = module.weight.shape
        spans = module.weight.detach().reshape(rows, -1, args.group_size if args.strategy == "group" else columns)
        scale, zero = calculate_qparams(spans.amin(-1), spans.amax(-1), args)
        # As they are stored for most models.
        module.weight_scale.data = scale.bfloat16().float()
        if hasattr(module, "weight_zero_point"):
            module.weight_zero_point.data = zero.to(module.weight_zero_point.dtype)
    logits = logits_of(model, sequences)
    compressor = ModelCompressor.from_pretrained_model(model)
    compressor.compress_model(model)
    for module in model.modules():
        if hasattr(module, "weight_scale"):
            module.weight_scale.data = module.weight_scale.data.bfloat16()
    model.save_pretrained(job["to"])
    compressor.update_config(job["to"])
    return logits


def versions():
    from importlib.metadata import PackageNotFoundError, version

    known = {}
    for name in ("torch", "transformers", "compressed-tensors", "gptqmodel"):
        with contextlib.suppress(PackageNotFoundError):
            known[name] = version(name)
    return known


request = json.load(sys.stdin)
logits, failed = {}, {}
for job in request.get("write", []):
    logits[job["to"]] = written(job, request["ids"])
for folder in request.get("read", []):
    try:
        # Weights are decoded already, or hold codes: their limits are not looked at.
        with codes_to_127():
            logits[folder] = logits_of(loaded(folder), request["ids"])
    except Exception as error:
        failed[folder] = f"{type(error).__name__}: {str(error)[:300]}"
json.dump({"versions": versions(), "logits": logits, "failed": failed}, answer_to)
answer_to.close()
