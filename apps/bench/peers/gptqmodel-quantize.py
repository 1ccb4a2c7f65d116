"""Serves src/participants/gptqmodel.ts: a workload on the first line, then a measurement for every further line. One line of JSON each."""
import json
import os
import shutil
import sys
import time


def answer(line):
    print("\n" + json.dumps({"answer": line}), flush=True)


def main():
    workload = json.loads(sys.stdin.readline())
    try:
        import gptqmodel
        import torch
    except ImportError as error:
        answer({"error": f"gptqmodel cannot be imported: {error}"})
        return
    torch.set_num_threads(workload["threads"])
    answer({"version": f"{gptqmodel.__version__}, torch {torch.__version__}"})
    windows = [
        {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
        for ids in workload["windows"]
    ]
    for _ in sys.stdin:
        start, before = time.perf_counter(), os.times()
        try:
            settings = gptqmodel.QuantizeConfig(
                bits=workload["bits"], group_size=workload["group"], sym=False, desc_act=True
            )
            model = gptqmodel.GPTQModel.load(workload["input"], settings, device="cpu", dtype=torch.float32)
            model.quantize(windows, batch_size=1)
            model.save(workload["output"])
        except Exception as error:
            answer({"error": repr(error)})
            continue
        after = os.times()
        answer({
            "time": time.perf_counter() - start,
            "processor": after.user + after.system - before.user - before.system,
        })
        shutil.rmtree(workload["output"])


main()
