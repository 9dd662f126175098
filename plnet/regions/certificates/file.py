"""Files of certificates: JSON in which every number is exact."""

from __future__ import annotations

import json
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plnet.errors import FileFormatError
from plnet.geometry.cells import Vertex
from plnet.geometry.domain import Chart
from plnet.geometry.exact import RationalMatrix, object_array
from plnet.io import read_json, reading, write_atomically, wrong_format
from plnet.ir.layers import Affine, GroupMax, Layer, LocalWinner, ScalarPWL
from plnet.ir.network import PLNetwork
from plnet.ir.operators import SparseAffine
from plnet.regions.cells.measure import homogeneous_point
from plnet.regions.certificates.region import CertifiedRegion

if TYPE_CHECKING:
    from plnet.regions.certificates.certificate import Certificate

__all__ = ["SCHEMA", "load_certificate", "save_certificate"]

Contents = tuple[PLNetwork, Chart, tuple[CertifiedRegion, ...]]

FORMAT = "plnet.Certificate"
SCHEMA = 2
"""Version of the file format; raised when a reader of the old one would misread a file."""


def save_certificate(certificate: Certificate, path: str | Path) -> Path:
    """Write a certificate as JSON, atomically.

    Floats are hexadecimal (``float.hex``) and integers too, because Python refuses to print very
    long decimal ones. Vertices are listed once and named by their place in the list. Volumes are
    not written, except for the totals: they follow from the vertices.

    Parameters
    ----------
    certificate : Certificate
    path : str or Path
        ``.json`` is appended if it is missing.

    Returns
    -------
    Path
        Where the file is.
    """
    target = Path(path)
    if target.suffix != ".json":
        target = target.with_name(target.name + ".json")
    places: dict[Vertex, int] = {}
    domain_parts = _places(certificate.domain_parts, places)
    regions = [
        {
            "pattern": list(region.pattern),
            "parts": _places(region.parts, places),
            "witness": _hex_row(homogeneous_point(region.witness)),
        }
        for region in certificate.regions
    ]
    chart = certificate.chart
    document = {
        "format": FORMAT,
        "schema": SCHEMA,
        "claims": {
            "regions": len(certificate),
            "complete": certificate.complete,
            "domain_volume": _fraction(certificate.domain_volume),
            "total_volume": _fraction(certificate.total_volume),
        },
        "network": {
            "input_dim": certificate.network.input_dim,
            "layers": [_layer_to_json(layer) for layer in certificate.network.layers],
        },
        "domain": {
            "embedding": _matrix_to_json(chart.embedding),
            "facets": _matrix_to_json(chart.facets),
            "facet_names": list(chart.facet_names),
            "parts": domain_parts,
        },
        "vertices": [_hex_row(vertex) for vertex in places],
        "regions": regions,
    }
    with write_atomically(target) as handle:
        handle.write(json.dumps(document, separators=(",", ":")).encode())
    return target


def load_certificate(path: str | Path) -> Contents:
    """Read the parts of a certificate that `save_certificate` wrote.

    Raises
    ------
    FileFormatError
        If the file is missing, corrupt or of a newer schema.
    """
    source = Path(path)
    with reading(source, "certificate"):
        document = read_json(source)
        problem = wrong_format(source, document, FORMAT, SCHEMA, oldest=SCHEMA)
        if not problem:
            return _contents_of(document)
    raise FileFormatError(problem)


def _contents_of(document: dict[str, Any]) -> Contents:
    network = PLNetwork(
        tuple(_layer_from_json(layer) for layer in document["network"]["layers"]),
        document["network"]["input_dim"],
    )
    domain = document["domain"]
    chart = Chart(
        _matrix_from_json(domain["embedding"]),
        _matrix_from_json(domain["facets"]),
        tuple(domain["facet_names"]),
    )
    if chart.input_dim != network.input_dim or chart.facets.shape[1] != chart.dim + 1 or chart.dim < 1:
        raise FileFormatError("network, embedding and facets do not fit together")
    vertices = [_row_from_hex(row) for row in document["vertices"]]
    regions = []
    for region in document["regions"]:
        *point, scale = _row_from_hex(region["witness"])
        regions.append(
            CertifiedRegion(
                tuple(map(int, region["pattern"])),
                tuple(tuple(vertices[place] for place in part) for part in region["parts"]),
                tuple(Fraction(x, scale) for x in point),
            )
        )
    return network, chart, tuple(regions)


def _places(parts: Iterable[tuple[Vertex, ...]], places: dict[Vertex, int]) -> list[list[int]]:
    """Return the parts of a region by the places of their vertices in the list; new ones are put there."""
    return [[places.setdefault(vertex, len(places)) for vertex in part] for part in parts]


def _hex_row(row: Any) -> list[str]:
    return [hex(entry) for entry in row]


def _row_from_hex(row: list[str]) -> Vertex:
    return tuple(int(entry, 16) for entry in row)


def _fraction(value: Fraction | None) -> list[str] | None:
    return None if value is None else _hex_row((value.numerator, value.denominator))


def _matrix_to_json(matrix: RationalMatrix) -> dict[str, Any]:
    return {
        "columns": matrix.shape[1],
        "rows": [_hex_row(row) for row in matrix.integers.tolist()],
        "denominator": hex(matrix.denominator),
    }


def _matrix_from_json(data: dict[str, Any]) -> RationalMatrix:
    rows = [_row_from_hex(row) for row in data["rows"]]
    flat = [entry for row in rows for entry in row]
    denominator = int(data["denominator"], 16)
    if denominator < 1:
        raise FileFormatError("a denominator is not positive")
    return RationalMatrix(object_array(flat, (len(rows), data["columns"])), denominator)


def _floats(array: np.ndarray) -> Any:
    if array.ndim > 1:
        return [_floats(row) for row in array]
    return [x.hex() for x in array.tolist()]


def _layer_to_json(layer: Layer) -> dict[str, Any]:
    if isinstance(layer, Affine) and not layer.is_dense:
        rows = [(inputs, _floats(np.array(f)), by) for inputs, f, by in map(layer.terms, range(layer.n_out))]
        names = {"kind": "SparseAffine", "name": layer.name, "n_in": layer.n_in}
        return {**names, "rows": rows, "bias": _floats(layer.bias)}
    if isinstance(layer, Affine):
        weight, bias = _floats(layer.weight), _floats(layer.bias)
        return {"kind": "Affine", "name": layer.name, "n_in": layer.n_in, "weight": weight, "bias": bias}
    if isinstance(layer, GroupMax):
        kind = type(layer).__name__
        return {"kind": kind, "name": layer.name, "n_in": layer.n_in, "groups": layer.groups.tolist()}
    rows = zip(layer.n_pieces.tolist(), layer.breakpoints, layer.slopes, layer.anchors.tolist(), strict=True)
    units = [[_floats(t[: n - 1]), _floats(s[:n]), anchor.hex()] for n, t, s, anchor in rows]
    return {"kind": "ScalarPWL", "name": layer.name, "units": units}


def _layer_from_json(data: dict[str, Any]) -> Layer:
    kind, name = data["kind"], data["name"]
    if kind == "Affine":
        rows = [[float.fromhex(x) for x in row] for row in data["weight"]]
        weight = np.array(rows, dtype=np.float64).reshape(len(rows), data["n_in"])
        return Affine(weight, np.array([float.fromhex(x) for x in data["bias"]]), name)
    if kind == "SparseAffine":
        return _sparse_from_json(data)
    if kind in ("GroupMax", "LocalWinner"):
        groups = np.array(data["groups"], dtype=np.int64)
        return (GroupMax if kind == "GroupMax" else LocalWinner)(groups, data["n_in"], name)
    if kind != "ScalarPWL":
        raise FileFormatError(f"Unknown kind of layer {kind!r}.")
    units = [
        ScalarPWL.uniform(1, map(float.fromhex, t), map(float.fromhex, s), float.fromhex(anchor))
        for t, s, anchor in data["units"]
    ]
    return ScalarPWL.concatenate(units, name)


def _sparse_from_json(data: dict[str, Any]) -> SparseAffine:
    rows = data["rows"]
    divisors = [by for _, _, by in rows]
    return SparseAffine(
        np.cumsum([0, *(len(inputs) for inputs, _, _ in rows)]),
        [place for inputs, _, _ in rows for place in inputs],
        [float.fromhex(factor) for _, factors, _ in rows for factor in factors],
        data["n_in"],
        [float.fromhex(x) for x in data["bias"]],
        data["name"],
        None if set(divisors) <= {1} else divisors,
    )
