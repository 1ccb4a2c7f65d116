"""Reads weights that Tessera wrote in the layouts of GPTQ, AWQ and compressed-tensors, and prints their values.

    python3 tooling/golden/read_quantized.py FILE.safetensors CONFIG.json  ->  {"reader": ..., "values": {layer: [...]}}

CONFIG.json is a model's config.json, or its quantization_config alone. Tensors that are not quantized are passed over.

GPTQ and AWQ are read with the standard library alone, by bits of Python's integers. compressed-tensors files are read by the library of
that name where it is installed, and by the same bits where not.
"""
import json
import struct
import sys


def tensors_of(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    kinds = {"I32": "I", "I64": "q", "I8": "b", "F16": "e", "F32": "f", "F8_E4M3": "B"}
    out = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            size = struct.calcsize(kinds[entry["dtype"]])
            out[name] = (entry["shape"], list(struct.unpack(f"<{(end - start) // size}{kinds[entry['dtype']]}", data[start:end])))
    return out


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def stream(words, count, bits):
    """Codes of `bits` bits from 32-bit words, lowest bits first."""
    total = sum(word << (32 * i) for i, word in enumerate(words))
    return [(total >> (i * bits)) & (2**bits - 1) for i in range(count)]


def gptq(part, config):
    bits, add = config["bits"], 1 if config.get("checkpoint_format", "gptq") == "gptq" else 0
    (rows, n), words = part("qweight")
    k = rows * 32 // bits
    (groups, zero_words), zeros = part("qzeros")
    _, scales = part("scales")
    _, index = part("g_idx")
    columns = [stream(words[c::n], k, bits) for c in range(n)]
    zero = [stream(zeros[g * zero_words:(g + 1) * zero_words], n, bits) for g in range(groups)]
    return [f32(scales[index[i] * n + c] * (columns[c][i] - ((zero[index[i]][c] + add) & (2**bits - 1)))) for c in range(n) for i in range(k)]


def awq(part, config):
    (k, words_per_row), words = part("qweight")
    _, zeros = part("qzeros")
    _, scales = part("scales")
    n, group = words_per_row * 8, config["group_size"] if config["group_size"] > 0 else k
    nibble = lambda table, row, c: (table[row * words_per_row + c // 8] >> (4 * (0, 4, 1, 5, 2, 6, 3, 7)[c % 8])) & 15
    return [f32(scales[i // group * n + c] * (nibble(words, i, c) - nibble(zeros, i // group, c))) for c in range(n) for i in range(k)]


def scheme_of(layer, config):
    groups = list(config["config_groups"].values())
    return next((group for group in groups if layer in group["targets"]), groups[0])


def compressed(part, has, scheme):
    args = scheme["weights"]
    bits, middle = args["num_bits"], 2 ** (args["num_bits"] - 1)
    n, k = part("weight_shape")[1] if has("weight_packed") else part("weight")[0]
    _, scales = part("weight_scale")
    groups = len(scales) // n or 1
    width = args["group_size"] or k
    at = lambda row, column: 0 if len(scales) == 1 else row * groups + column // width
    if args["type"] == "float":
        decode = lambda code: (-1 if code & 128 else 1) * ((1 + (code & 7) / 8) * 2.0 ** ((code >> 3 & 15) - 7) if code >> 3 & 15 else (code & 7) * 2.0**-9)
        codes, zeros = [decode(code) for code in part("weight")[1]], {}
        return [f32(scales[at(r, c)] * codes[r * k + c]) for r in range(n) for c in range(k)]
    if has("weight_packed"):
        (_, per_row), words = part("weight_packed")
        codes = [code - middle for r in range(n) for code in stream(words[r * per_row:(r + 1) * per_row], k, bits)]
    else:
        codes = part("weight")[1]
    zeros = [0] * len(scales)
    if has("weight_zero_point"):
        shape, stored = part("weight_zero_point")
        # Packed zeros fill whole words along the rows; zeros of 8 bits are as many as scales.
        if has("weight_packed") and len(scales) > 1:
            lines = [stream(stored[g::groups], n, bits) for g in range(groups)]
            zeros = [lines[g][r] - middle for r in range(n) for g in range(groups)]
        else:
            zeros = stored
    return [f32(scales[at(r, c)] * (codes[r * k + c] - zeros[at(r, c)])) for r in range(n) for c in range(k)]


def by_library(path, config, layers):
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationScheme
    from safetensors.torch import load_file

    tensors = load_file(path)
    values = {}
    for layer in layers:
        group = scheme_of(layer, config)
        scheme = QuantizationScheme(**{name: value for name, value in group.items() if name != "format"})
        state = {name[len(layer) + 1:]: tensor for name, tensor in tensors.items() if name.startswith(layer + ".")}
        # f32 scales, so that values are not rounded to f16.
        state["weight_scale"] = state["weight_scale"].float()
        values[layer] = BaseCompressor.get_value_from_registry(group.get("format") or config["format"]).decompress(state, scheme)["weight"].float().flatten().tolist()
    return values


path, config = sys.argv[1], json.load(open(sys.argv[2]))
config = config.get("quantization_config", config)
tensors = tensors_of(path)
layers = sorted(name.rsplit(".", 1)[0] for name in tensors if name.endswith((".qweight", ".weight_scale")))
reader = "standard library"
if config["quant_method"] == "compressed-tensors":
    try:
        values, reader = by_library(path, config, layers), "compressed-tensors"
    except ImportError:
        values = {layer: compressed(lambda name: tensors[f"{layer}.{name}"], lambda name: f"{layer}.{name}" in tensors, scheme_of(layer, config)) for layer in layers}
else:
    read = {"gptq": gptq, "awq": awq}[config["quant_method"]]
    values = {layer: read(lambda name: tensors[f"{layer}.{name}"], config) for layer in layers}
print(json.dumps({"reader": reader, "values": values}))
