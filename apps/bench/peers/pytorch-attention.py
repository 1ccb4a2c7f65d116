"""Serves src/participants/pytorch.ts: a workload on the first line, then a measurement for every further line. One line of JSON each."""
import json
import statistics
import sys
import time


def main():
    workload = json.loads(sys.stdin.readline())
    try:
        import torch
        import torch.nn.functional as F
    except ImportError as error:
        print(json.dumps({"error": f"torch cannot be imported: {error}"}), flush=True)
        return
    torch.set_num_threads(workload["threads"])
    channels, length = workload["headDim"], workload["length"]

    def made(seed, heads):
        # The stream of src/workload/attention-data.ts.
        h = torch.arange(heads * length * channels, dtype=torch.int64) + (seed << 28)
        mask = 0xFFFFFFFF
        h = ((h ^ (h >> 16)) * 0x85EBCA6B) & mask
        h = ((h ^ (h >> 13)) * 0xC2B2AE35) & mask
        h = h ^ (h >> 16)
        return ((h >> 24).to(torch.float32) / 128 - 1).reshape(1, heads, length, channels)

    q, k, v = made(0, workload["heads"]), made(1, workload["kvHeads"]), made(2, workload["kvHeads"])
    is_gradient = workload["kind"] == "attention-gradient"
    if is_gradient:
        for tensor in (q, k, v):
            tensor.requires_grad_()
        gradient = made(3, workload["heads"])
        o = F.scaled_dot_product_attention(q, k, v, is_causal=True)

    def run():
        if is_gradient:
            return torch.autograd.grad(o, (q, k, v), gradient, retain_graph=True)[0]
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)

    print(json.dumps({"version": torch.__version__}), flush=True)
    for _ in sys.stdin:
        rates, calls, begin = [], 1, time.perf_counter()
        while not rates or time.perf_counter() - begin < 0.4:
            start = time.perf_counter()
            for _ in range(calls):
                result = run()
            elapsed = 1000 * (time.perf_counter() - start)
            if elapsed < 1:
                calls *= 2
            else:
                rates.append(calls / elapsed)
        answer = [result[0, head, row, channel].item() for head, row, channel in workload["probes"]]
        print(json.dumps({"callsPerMs": statistics.median(rates), "answer": answer}), flush=True)


main()
