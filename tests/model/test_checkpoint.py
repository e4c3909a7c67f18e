import pickle
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sam_backend.errors import CheckpointError
from sam_backend.model import checkpoint as checkpoint_module
from sam_backend.model.checkpoint import checkpoint_name, checkpoint_version, find_checkpoint, load_network
from sam_backend.model.conv_encoder import ConvConfig
from sam_backend.model.sam import Sam, SamConfig
from sam_backend.model.variants import infer_config
from sam_backend.model.vit import VitConfig

TINY_VIT = VitConfig(
    width=32, depth=2, n_heads=2, global_blocks=(1,), grid_size=8, patch_size_px=8, window_size=3, out_width=64
)


def all_global() -> VitConfig:
    return VitConfig(width=32, depth=2, n_heads=2, global_blocks=(0, 1), grid_size=4, window_size=4, mlp_width=48)


@pytest.mark.parametrize(
    "encoder",
    [TINY_VIT, all_global(), ConvConfig(64, (8, 8, 16, 16), (1, 2, 0, 1), 32)],
    ids=["windowed vit", "global vit", "convolutional"],
)
def test_sizes_are_read_from_shapes(encoder: VitConfig | ConvConfig) -> None:
    config = SamConfig(encoder, decoder_depth=3, decoder_mlp_width=40, iou_head_width=24, mask_width=8)
    wanted = {name: value.shape for name, value in Sam(config).state_dict().items()}
    read = Sam(infer_config(Sam(config).state_dict()))
    assert {name: value.shape for name, value in read.state_dict().items()} == wanted
    assert read.image_size == Sam(config).image_size


def test_float16_weights_load_as_float32(tiny_network: Sam, tmp_path: Path) -> None:
    path = tmp_path / "half.pth"
    torch.save(
        {
            name: value.half() if value.is_floating_point() else value
            for name, value in tiny_network.state_dict().items()
        },
        path,
    )
    loaded = load_network(str(path))
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    assert not loaded.training


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('code of the file was run')",)


def write_bomb(path: Path) -> None:
    path.write_bytes(pickle.dumps(Bomb(), protocol=2))


def write_torch_bomb(path: Path) -> None:
    torch.save({"weight": Bomb()}, path)


@pytest.mark.parametrize("write", [write_bomb, write_torch_bomb], ids=["pickle", "torch file"])
def test_code_in_a_file_is_never_run(write: object, tmp_path: Path) -> None:
    path = tmp_path / "bomb.pth"
    write(path)
    with pytest.raises(CheckpointError, match="can't be read as weights"):
        load_network(str(path))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_file_is_named(share: float, tiny_checkpoint: Path, tmp_path: Path) -> None:
    data = tiny_checkpoint.read_bytes()
    path = tmp_path / "cut.pth"
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError, match=r"cut\.pth can't be read as weights .* fetch it again"):
        load_network(str(path))


@pytest.mark.parametrize(
    "content",
    [[1, 2], {"model": {"epoch": 3}}, {"epoch": 3}, {"model": {}}, {"net": {"a": torch.zeros(1)}}, {1: torch.zeros(1)}],
    ids=["list", "wrapped number", "number", "nothing", "unknown wrapper", "no names"],
)
def test_a_file_without_plain_weights_is_refused(content: object, tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match="holds no plain table of weights"):
        load_network(str(path))


def without(state: dict[str, Tensor]) -> None:
    del state["mask_decoder.iou_token.weight"]


def with_more(state: dict[str, Tensor]) -> None:
    state["head.weight"] = torch.zeros(3)


def misshapen(state: dict[str, Tensor]) -> None:
    state["mask_decoder.iou_token.weight"] = torch.zeros(1, 7)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (without, r"1 weights missing \(mask_decoder.iou_token.weight\)"),
        (with_more, r"1 weights unknown \(head.weight\)"),
        (misshapen, r"1 weights of another shape \(mask_decoder.iou_token.weight\)"),
    ],
    ids=["missing", "unknown", "misshapen"],
)
def test_a_partly_matching_file_says_what_is_off(damage: object, what: str, tiny_network: Sam, tmp_path: Path) -> None:
    state = dict(tiny_network.state_dict())
    damage(state)
    path = tmp_path / "odd.pth"
    torch.save(state, path)
    with pytest.raises(CheckpointError, match=what):
        load_network(str(path))


def test_many_weights_are_counted_and_the_first_named(tiny_network: Sam, tmp_path: Path) -> None:
    path = tmp_path / "many.pth"
    torch.save(dict(tiny_network.state_dict()) | {f"head.{index}": torch.zeros(1) for index in range(9)}, path)
    with pytest.raises(CheckpointError, match=r"9 weights unknown \(head.0, head.1, head.2 \.\.\.\)"):
        load_network(str(path))


@pytest.mark.parametrize(
    "name",
    ["mask_decoder.transformer.layers", "image_encoder.neck.lateral.0.weight", "image_encoder.input_size"],
)
def test_weights_of_another_network_are_refused(name: str, tiny_network: Sam, tmp_path: Path) -> None:
    state = {key: value for key, value in tiny_network.state_dict().items() if not key.startswith(name)}
    path = tmp_path / "foreign.pth"
    torch.save(state, path)
    with pytest.raises(CheckpointError, match=r"foreign\.pth: .* not a whole SAM checkpoint"):
        load_network(str(path))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_encoder.pos_embed", torch.zeros(1, 65, 8)),
        ("image_encoder.input_size", torch.tensor(0)),
        ("image_encoder.input_size", torch.tensor([64, 64])),
        ("mask_decoder.iou_prediction_head.layers.0.weight", torch.zeros(0, 32)),
    ],
    ids=["plain vit", "no size", "two sizes", "empty"],
)
def test_odd_shapes_are_named(name: str, value: Tensor, tiny_network: Sam, tmp_path: Path) -> None:
    path = tmp_path / "odd.pth"
    torch.save(dict(tiny_network.state_dict()) | {name: value}, path)
    with pytest.raises(CheckpointError, match=rf"odd\.pth: the weight {name} .* this is another network"):
        load_network(str(path))


def test_a_missing_file_says_what_names_there_are() -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint 'nowhere\.pth'.* one of embedded, vit_b, vit_l, vit_h"):
        find_checkpoint("nowhere.pth")


def test_missing_official_weights_say_where_to_put_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=r"the weights of vit_b aren't here: put sam_vit_b_01ec64\.pth at"):
        find_checkpoint("vit_b")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "sam_vit_b_01ec64.pth").write_bytes(b"")
    assert find_checkpoint("vit_b") == Path("checkpoints/sam_vit_b_01ec64.pth")


def test_missing_embedded_weights_are_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_module, "EMBEDDED_FILE", tmp_path / "embedded.pth")
    with pytest.raises(CheckpointError, match="no checkpoint 'embedded'"):
        find_checkpoint("embedded")


def test_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no file"):
        load_network(str(tmp_path))


def test_version_changes_with_the_weights(tiny_checkpoint: Path, tmp_path: Path) -> None:
    other = tmp_path / tiny_checkpoint.name
    other.write_bytes(tiny_checkpoint.read_bytes() + b"x")
    versions = [checkpoint_version(str(path)) for path in (tiny_checkpoint, other)]
    assert all(re.fullmatch(r"tiny-[0-9a-f]{8}", version) for version in versions)
    assert versions[0] != versions[1]


@pytest.mark.parametrize(
    ("path_or_name", "name"), [("embedded", "embedded"), ("vit_h", "vit_h"), ("a/b/mine.pth", "mine")]
)
def test_what_people_call_it(path_or_name: str, name: str) -> None:
    assert checkpoint_name(path_or_name) == name
