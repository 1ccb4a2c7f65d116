"""Makes packages/quantization/test/golden/checkpoints.{safetensors,json}: small quantized weights as other programs store them.

compressed-tensors cases are written and decoded by the library of that name. GPTQ and AWQ cases are packed by formulas of their own,
written from the layouts' descriptions with Python integers, one bit string a line. Needs numpy, torch, safetensors, compressed-tensors.

    python tooling/golden/quantized_checkpoints.py
"""
import json
from pathlib import Path

import compressed_tensors
import numpy as np
import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from safetensors.torch import save_file

rng = np.random.default_rng(5)
tensors, cases = {}, []


def words(codes, bits):
    """A line of codes as one integer of count * bits bits, cut into 32-bit words."""
    total = sum(int(code) << (i * bits) for i, code in enumerate(codes))
    return [(total >> (32 * w)) & 0xFFFFFFFF for w in range(-(-len(codes) * bits // 32))]


def as_i32(rows):
    return torch.from_numpy(np.array(rows, dtype=np.uint32).view(np.int32).copy())


def draw(n, k, groups, bits, symmetric):
    codes = rng.integers(0, 2**bits, (n, k))
    scales = rng.uniform(0.01, 0.1, (n, groups)).astype(np.float16)
    zeros = np.full((n, groups), 2 ** (bits - 1)) if symmetric else rng.integers(1, 2**bits, (n, groups))
    return codes, scales, zeros


def values_of(codes, scales, zeros, index):
    return torch.from_numpy(scales.astype(np.float32)[:, index] * (codes - zeros[:, index]).astype(np.float32))


def add(name, config, parts, values):
    cases.append({"case": name, "config": config})
    for part, tensor in {**parts, "values": values}.items():
        tensors[f"{name}/{part}"] = tensor.contiguous()


def gptq(name, bits, n, k, group, symmetric, version, act_order=False):
    groups = -(-k // group) if group > 0 else 1
    codes, scales, zeros = draw(n, k, groups, bits, symmetric)
    index = rng.permutation(np.arange(k) // (group if group > 0 else k)) if act_order else np.arange(k) // (group if group > 0 else k)
    stored = zeros - (1 if version == 1 else 0)
    config = {"quant_method": "gptq", "bits": bits, "group_size": group, "desc_act": act_order, "sym": symmetric, "checkpoint_format": "gptq" if version == 1 else "gptq_v2"}
    parts = {
        "qweight": as_i32(np.array([words(codes[row], bits) for row in range(n)], dtype=np.uint32).T),
        "qzeros": as_i32([words(stored[:, g], bits) for g in range(groups)]),
        "scales": torch.from_numpy(scales.T.copy()),
        "g_idx": torch.from_numpy(index.astype(np.int32)),
    }
    add(name, config, parts, values_of(codes, scales, zeros, index))


def awq(name, n, k, group):
    groups = -(-k // group)
    codes, scales, zeros = draw(n, k, groups, 4, False)
    pack = lambda line: [words([block[i] for i in (0, 2, 4, 6, 1, 3, 5, 7)], 4)[0] for block in np.array(line).reshape(-1, 8)]
    config = {"quant_method": "awq", "bits": 4, "group_size": group, "zero_point": True, "version": "gemm"}
    parts = {"qweight": as_i32([pack(codes[:, c]) for c in range(k)]), "qzeros": as_i32([pack(zeros[:, g]) for g in range(groups)]), "scales": torch.from_numpy(scales.T.copy())}
    add(name, config, parts, values_of(codes, scales, zeros, np.arange(k) // group))


def compressed(name, fmt, n, k, scale_dtype=torch.float16, **args):
    quant = QuantizationArgs(**args)
    scheme = QuantizationScheme(targets=["Linear"], weights=quant)
    groups = k // quant.group_size if quant.group_size and quant.group_size > 0 else 1
    shape = {"group": (n, groups), "channel": (n, 1), "tensor": (1,), "block": (-(-n // 16), -(-k // 32))}[quant.strategy]
    weight = torch.from_numpy(rng.normal(size=(n, k)).astype(np.float32))
    limit = 448 if quant.type == "float" else 2 ** (quant.num_bits - 1)
    scale = torch.from_numpy((3.0 / limit * rng.uniform(0.5, 1.0, shape)).astype(np.float32)).to(scale_dtype)
    state = {"weight": weight.to(scale_dtype), "weight_scale": scale}
    if not quant.symmetric:
        state["weight_zero_point"] = torch.from_numpy(rng.integers(-limit, limit, shape).astype(np.int8))
    compressor = BaseCompressor.get_value_from_registry(fmt)
    stored = compressor.compress(state, scheme)
    # Decoded with f32 scales, so that values are not rounded to f16.
    values = compressor.decompress({**stored, "weight_scale": stored["weight_scale"].float()}, scheme)["weight"].float()
    config = {"quant_method": "compressed-tensors", "format": fmt, "config_groups": {"group_0": {"targets": ["Linear"], "weights": json.loads(quant.model_dump_json())}}, "ignore": ["lm_head"]}
    add(name, config, stored, values)


for bits in (2, 3, 4, 8):
    gptq(f"gptq_{bits}b", bits, 32, 64, 32, False, 2)
    gptq(f"gptq_{bits}b_v1", bits, 32, 64, 32, False, 1)
gptq("gptq_4b_sym", 4, 32, 96, 32, True, 1)
gptq("gptq_4b_row", 4, 16, 64, -1, True, 1)
gptq("gptq_4b_short_group", 4, 16, 96, 64, False, 2)
gptq("gptq_4b_act_order", 4, 16, 128, 32, False, 1, act_order=True)
gptq("gptq_3b_act_order", 3, 32, 96, 32, False, 2, act_order=True)
awq("awq_4b", 16, 96, 32)
for bits in (2, 3, 4, 8):
    compressed(f"pack_{bits}b_group", "pack-quantized", 10, 96, num_bits=bits, strategy="group", group_size=32, symmetric=True)
    compressed(f"pack_{bits}b_group_asym", "pack-quantized", 10, 96, num_bits=bits, strategy="group", group_size=32, symmetric=False)
compressed("pack_4b_channel_odd", "pack-quantized", 5, 81, num_bits=4, strategy="channel", symmetric=False)
compressed("pack_4b_bf16", "pack-quantized", 8, 64, scale_dtype=torch.bfloat16, num_bits=4, strategy="group", group_size=32, symmetric=True)
compressed("int_8b_channel", "int-quantized", 6, 64, num_bits=8, strategy="channel", symmetric=True)
compressed("int_8b_channel_asym", "int-quantized", 6, 64, num_bits=8, strategy="channel", symmetric=False)
compressed("int_8b_tensor", "int-quantized", 6, 64, num_bits=8, strategy="tensor", symmetric=True)
compressed("float_8b_channel", "float-quantized", 6, 64, num_bits=8, type="float", strategy="channel", symmetric=True)
compressed("float_8b_tensor", "float-quantized", 6, 64, num_bits=8, type="float", strategy="tensor", symmetric=True)
compressed("float_8b_block", "float-quantized", 20, 80, num_bits=8, type="float", strategy="block", block_structure=[16, 32], symmetric=True)
compressed("naive_8b", "naive-quantized", 6, 64, num_bits=8, strategy="channel", symmetric=True)

folder = Path(__file__).parents[2] / "packages/quantization/test/golden"
save_file(tensors, folder / "checkpoints.safetensors")
source = f"compressed-tensors {compressed_tensors.__version__} with torch {torch.__version__.split('+')[0]}; GPTQ and AWQ by tooling/golden/quantized_checkpoints.py"
(folder / "checkpoints.json").write_text(json.dumps({"source": source, "cases": cases}, indent=1) + "\n")
print(len(cases), "cases")
