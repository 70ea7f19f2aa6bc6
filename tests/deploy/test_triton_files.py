from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "triton"


def test_the_compose_file_offers_the_ports_to_this_machine_alone_and_reads_the_repository() -> None:
    compose: Dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
    server = compose["services"]["triton"]
    assert all(port.startswith(("${ADDRESS:-127.0.0.1}:", "127.0.0.1:")) for port in server["ports"])
    assert "./repository:/models:ro" in server["volumes"]
    assert "--model-repository=/models" in server["command"]
    for volume in server["volumes"]:
        name = volume.split(":")[0]
        assert name.startswith(".") or name in compose["volumes"]


def test_the_manifest_has_a_server_with_a_gpu_whose_ports_the_service_offers() -> None:
    text = (FOLDER / "kubernetes.yaml").read_text(encoding="utf-8")
    kinds = {document["kind"]: document for document in yaml.safe_load_all(text)}
    pod = kinds["Deployment"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}
    claim = kinds["PersistentVolumeClaim"]["metadata"]["name"]
    assert any(volume.get("persistentVolumeClaim", {}).get("claimName") == claim for volume in pod["spec"]["volumes"])
    assert kinds["Service"]["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    ports = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in kinds["Service"]["spec"]["ports"]} <= ports
