"""PyTorch's usual loop on a job's images: shuffled, channels last, the whole set in memory as tensors."""

import json
import sys
from pathlib import Path
from typing import Any

from experiments.peers.torch_worker import F, model_of, torch


def tensors(folder: Path, names: tuple[str, str], np: Any) -> tuple[Any, Any]:
    """Scaled images in channels_last memory, and labels."""
    images = torch.from_numpy(np.load(folder / f"{names[0]}.npy")).permute(0, 3, 1, 2).float() / 255
    labels = torch.from_numpy(np.load(folder / f"{names[1]}.npy")).long()
    return images.contiguous(memory_format=torch.channels_last), labels


def main(job: dict[str, Any]) -> None:
    """Train, test, print. Indexing tensors is several times faster than a DataLoader on these images."""
    import numpy as np

    folder, batch = Path(job["folder"]), job["batch"]
    (x, y), (tx, ty) = tensors(folder, ("x", "y"), np), tensors(folder, ("tx", "ty"), np)
    model = model_of(job).to(memory_format=torch.channels_last)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9, eps=1e-7)
    for _ in range(job["epochs"]):
        for rows in torch.randperm(len(y)).split(batch):
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        correct = sum(int((model(a).argmax(1) == b).sum()) for a, b in zip(tx.split(256), ty.split(256), strict=True))
    print(json.dumps({"test_accuracy": correct / len(ty)}), flush=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf-8")))
