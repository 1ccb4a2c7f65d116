"""Makes packages/runtime/test/golden/architectures/bert/{model.gguf,tokenizer.json,tokenizer.cases.json}: the golden encoder as gguf-py names
it, and a WordPiece tokenizer of its 256 tokens with what Hugging Face's library makes of some texts. Needs numpy, safetensors, gguf, tokenizers.

    python tooling/golden/bert_gguf.py
"""
import json
from pathlib import Path

import gguf
from safetensors.numpy import load_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

folder = Path(__file__).resolve().parents[2] / "packages/runtime/test/golden/architectures/bert"
config = json.loads((folder / "config.json").read_text())

special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]"]
letters = "abcdefghijklmnopqrstuvwxyz"
words = ["the", "cat", "hat", "play", "un", "want", "naive", "cafe", "berlin", "12", "中", "ß", "и", "ℝ"] + list("0123456789.,!?'-\"()[]#")
tokens = special + list(letters) + words + ["##" + letter for letter in letters] + ["##ing", "##ed", "##able", "##2", "##ß", "##и"]
tokens += [f"word{i}" for i in range(config["vocab_size"] - len(tokens))]
assert len(set(tokens)) == len(tokens) == config["vocab_size"]

tokenizer = Tokenizer(models.WordPiece({token: id for id, token in enumerate(tokens)}, unk_token="[UNK]"))
tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
tokenizer.decoder = decoders.WordPiece()
tokenizer.add_special_tokens(special[:5])
tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
tokenizer.save(str(folder / "tokenizer.json"))
texts = ["", "The cat in the HAT!", "unwantable playing, naïve Café", "Berlin 中文 12 3", "a[MASK]b [CLS]", "Straße и И", "#hash ##ed", "x\u0301y \u200b z\ufffd", "ℝ is 1.2", "  spaces\tand\nlines  ", "[unused0]", "Ω", "a" * 120]
cases = [{"text": text, "ids": encoding.ids, "decoded": tokenizer.decode(encoding.ids, skip_special_tokens=False)} for text in texts for encoding in [tokenizer.encode(text)]]
(folder / "tokenizer.cases.json").write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n")

writer = gguf.GGUFWriter(folder / "model.gguf", "bert")
writer.add_block_count(config["num_hidden_layers"])
writer.add_context_length(config["max_position_embeddings"])
writer.add_embedding_length(config["hidden_size"])
writer.add_feed_forward_length(config["intermediate_size"])
writer.add_head_count(config["num_attention_heads"])
writer.add_layer_norm_eps(config["layer_norm_eps"])
writer.add_causal_attention(False)
writer.add_pooling_type(gguf.PoolingType.MEAN)
writer.add_token_type_count(config["type_vocab_size"])
writer.add_tokenizer_model("bert")
# As llama.cpp's converter spells WordPiece: a mark where a word begins, none where it goes on.
writer.add_token_list([token if token in special else token[2:] if token.startswith("##") else "\u2581" + token for token in tokens])
writer.add_token_types([gguf.TokenType.CONTROL if token in special[:5] else gguf.TokenType.NORMAL for token in tokens])
for add, id in [(writer.add_bos_token_id, 2), (writer.add_eos_token_id, 3), (writer.add_sep_token_id, 3), (writer.add_unk_token_id, 1), (writer.add_pad_token_id, 0), (writer.add_mask_token_id, 4)]:
    add(id)
names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, config["num_hidden_layers"])
for name, tensor in load_file(folder / "model.safetensors").items():
    if name.startswith("pooler."):
        continue
    writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), tensor)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
