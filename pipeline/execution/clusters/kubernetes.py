# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pods kept by dask-kubernetes' operator. Made and checked; never run on a real cluster.

What is made is a DaskCluster resource (kubernetes.dask.org, "Custom resources"); it is
checked against the schema that the operator itself installs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from pipeline.config.clusters import Kubernetes
from pipeline.core.errors import ConfigError, ToolMissingError
from pipeline.execution.clusters.base import WORKER_ENV, Joined, configured, connected, tls_env

# What the operator's Helm chart installs: with the whole schema of a pod in it.
_SCHEMA = ("deployment", "helm", "dask-kubernetes-operator", "crds", "daskcluster.yaml")
_TLS = "/etc/skanearkiv/tls"


def spec(cluster: Kubernetes) -> dict[str, Any]:
    """Return the DaskCluster resource. Raises ToolMissingError."""
    try:
        from dask_kubernetes.operator import make_cluster_spec
    except ImportError as error:
        raise _missing() from error
    env = {**WORKER_ENV, **(tls_env(_TLS) if cluster.secret else {})}
    resources = {"cpu": cluster.cpu, "memory": f"{cluster.memory_mib}Mi"}
    found: dict[str, Any] = make_cluster_spec(
        name=cluster.name,
        image=cluster.image,
        n_workers=cluster.workers,
        resources={"requests": resources, "limits": resources},
        env=env,
        worker_command="dask-worker --nthreads 1 --nworkers 1 --death-timeout 120",
    )
    found["metadata"]["namespace"] = cluster.namespace
    for part in ("worker", "scheduler"):
        _mount(found["spec"][part]["spec"], cluster)
    return found


def _mount(pod: dict[str, Any], cluster: Kubernetes) -> None:
    """Give every container of a pod the claims, and the secret with the certificates."""
    volumes = [
        {"name": f"claim-{number}", "persistentVolumeClaim": {"claimName": claim}}
        for number, claim in enumerate(cluster.volumes)
    ]
    mounts = [
        {"name": f"claim-{number}", "mountPath": path}
        for number, path in enumerate(cluster.volumes.values())
    ]
    if cluster.secret:
        volumes.append({"name": "tls", "secret": {"secretName": cluster.secret}})
        mounts.append({"name": "tls", "mountPath": _TLS})
    if not volumes:
        return
    pod["volumes"] = [*pod.get("volumes", []), *volumes]
    for container in pod["containers"]:
        container["volumeMounts"] = [*container.get("volumeMounts", []), *mounts]


def check(resource: dict[str, Any]) -> list[str]:
    """Return what the operator's schema does not accept, empty if all is well.

    Raises ToolMissingError.
    """
    try:
        import jsonschema
        import yaml

        schema = files("dask_kubernetes.operator").joinpath(*_SCHEMA).read_text(encoding="utf-8")
    except (ImportError, FileNotFoundError) as error:
        raise _missing() from error
    (version,) = yaml.safe_load(schema)["spec"]["versions"]
    validator = jsonschema.Draft202012Validator(version["schema"]["openAPIV3Schema"])
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in validator.iter_errors(resource)
    ]


@contextmanager
def opened(cluster: Kubernetes) -> Iterator[Joined]:
    """Yield a cluster of pods that is deleted with the block. Raises ConfigError."""
    resource = spec(cluster)
    wrong = check(resource)
    if wrong:
        raise ConfigError(f"the description makes no valid DaskCluster: {'; '.join(wrong[:3])}")
    from dask_kubernetes.operator import KubeCluster

    with configured():
        try:
            pods = KubeCluster(custom_cluster_spec=resource, namespace=cluster.namespace)
        except Exception as error:
            # Whatever the client library raises, it means that there is no cluster to use.
            raise ConfigError(f"Kubernetes: {type(error).__name__}: {error}") from error
        try:
            with connected(pods) as client:
                yield Joined(client, str(pods.dashboard_link), cluster.workers)
        finally:
            pods.close()


def _missing() -> ToolMissingError:
    return ToolMissingError(
        "dask-kubernetes", "install it with: pip install 'skanearkiv[kubernetes]'"
    )
