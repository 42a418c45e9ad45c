"""What one object says of another: it is there, or the environment declares it, and ports and labels meet.

Kubernetes accepts a selector that matches nothing, a port that nobody opened and a claim that never comes: the
object is applied, and the traffic, the scrape or the pod is simply missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from generator.errors import Severity, nearest
from generator.sources.environment import Environment
from generator.validate.argocd_waves import MAKES
from generator.validate.argocd_waves import references as named
from generator.validate.names import derived
from generator.validate.pods import Manifest, Path, Pod, argument, ports_of, variables_of
from generator.validate.programs import runtime_of
from generator.validate.scope import Finding, ReleaseScope

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
# a variable that moves the server behind a named port; Source: ai-dynamo 1.6.1, probes of the operator
PORT_VARIABLES = {"DYN_SYSTEM_PORT": "system"}
PORT_FLAGS = ("--port", "--http-port")


def check(scope: ReleaseScope) -> Iterator[Finding]:
    """Find references that lead nowhere."""
    yield from _named(scope)
    for file, manifest in scope.objects.items():
        of_kind = _BY_KIND.get(manifest["kind"])
        if of_kind is not None:
            yield from of_kind(scope, file, manifest)
    for pod in scope.pods:
        yield from _pod(scope, pod)
    for pod, path, container, program in scope.programs:
        if program.engine:
            yield from _paths(scope, pod, path, container)


# ---- objects by name ---------------------------------------------------------------------------------------


def _named(scope: ReleaseScope) -> Iterator[Finding]:
    environment = scope.resolved.context.environment.value
    there = _provided(scope, environment)
    for file, manifest in scope.objects.items():
        for reference in named(manifest):
            kind, name = reference.kind, reference.name
            if kind == MAKES or (kind, name) in there:
                continue
            yield _missing(scope, file, reference.path, kind, name, there)


def _missing(scope: ReleaseScope, file: str, path: Path, kind: str, name: str, there: set[tuple[str, str]]) -> Finding:
    known = [n for k, n in sorted(there) if k == kind]
    near = nearest(name, known)
    meant = f"did you mean {near}? " if near else ""
    if kind in ("Secret", "ConfigMap") and not name.startswith(f"{scope.name}-"):
        # a person may keep it by other means, and knows better
        message = f"nothing here makes the {kind} {name}; the pod waits until somebody does"
        hint = f"{meant}let the release fill it (remoteKey), or see that it is in {scope.resolved.namespace}"
        return Finding(file, path, message, hint, Severity.WARNING)
    message = f"there is no {kind} {name} in this release"
    return Finding(file, path, message, f"{meant}{_remedy(kind)}")


def _remedy(kind: str) -> str:
    if kind == "Secret":
        return "the environment needs a secretStore that can fill it"
    return f"make the {kind}, or name another one"


def _provided(scope: ReleaseScope, environment: Environment) -> set[tuple[str, str]]:
    there = set(scope.by_name)
    for manifest in scope.objects.values():
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        if kind == "ExternalSecret":
            there.add(("Secret", (manifest["spec"].get("target") or {}).get("name") or name))
        elif kind == "DynamoGraphDeployment":
            for component in manifest["spec"].get("components") or ():
                if "scalingAdapter" in component:
                    adapter = f"{name}-{component['name'].lower()}"
                    there.add(("DynamoGraphDeploymentScalingAdapter", adapter))
        there.update(derived(manifest))
    there.update(("Secret", secret) for secret in environment.pull_secrets)
    if environment.hugging_face.token_secret is not None:
        there.add(("Secret", environment.hugging_face.token_secret))
    if environment.monitoring is not None and environment.monitoring.auth is not None:
        there.add(("Secret", environment.monitoring.auth.secret))
    if environment.ca_bundle is not None:
        there.add(("ConfigMap", environment.ca_bundle))
    return there


# ---- selectors and ports -----------------------------------------------------------------------------------


def _selected(scope: ReleaseScope, selector: dict[str, str]) -> list[Pod]:
    return [pod for pod in scope.pods if pod.matches(selector)]


def _no_pods(scope: ReleaseScope, file: str, path: Path, kind: str, selector: dict[str, str]) -> Iterator[Finding]:
    wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
    have = "; ".join(sorted({pod.component for pod in scope.pods}))
    message = f"the {kind} selects no pod of this release: none carries {wanted}"
    yield Finding(file, path, message, f"select labels that pods have; their components are: {have}")


def _no_port(file: str, path: Path, port: str | int, pod: Pod) -> Finding:
    names = ", ".join(str(name) for name in pod.ports) or "none"
    message = f"pods of {pod.component or pod.owner['kind']} declare no port {port}"
    return Finding(file, path, message, f"use a port that they declare ({names})")


def _service(scope: ReleaseScope, file: str, manifest: Manifest) -> Iterator[Finding]:
    spec = manifest["spec"]
    selector = spec.get("selector")
    if not selector:
        return
    pods = _selected(scope, selector)
    if not pods:
        yield from _no_pods(scope, file, ("spec", "selector"), "Service", selector)
    for index, port in enumerate(spec.get("ports") or ()):
        target = port.get("targetPort", port["port"])
        for pod in pods:
            if target not in pod.ports:
                yield _no_port(file, ("spec", "ports", index, "targetPort"), target, pod)


def _budget(scope: ReleaseScope, file: str, manifest: Manifest) -> Iterator[Finding]:
    selector = (manifest["spec"].get("selector") or {}).get("matchLabels") or {}
    if not _selected(scope, selector):
        yield from _no_pods(scope, file, ("spec", "selector"), "PodDisruptionBudget", selector)


def _policy(scope: ReleaseScope, file: str, manifest: Manifest) -> Iterator[Finding]:
    spec = manifest["spec"]
    selector = (spec.get("podSelector") or {}).get("matchLabels") or {}
    pods = _selected(scope, selector)
    if not pods:
        yield from _no_pods(scope, file, ("spec", "podSelector"), "NetworkPolicy", selector)
    for number, rule in enumerate(spec.get("ingress") or ()):
        for index, port in enumerate(rule.get("ports") or ()):
            # the followers of a group have no port, and the policy guards them all the same
            if "port" in port and pods and not any(port["port"] in pod.ports for pod in pods):
                yield _no_port(file, ("spec", "ingress", number, "ports", index, "port"), port["port"], pods[0])


def _monitor(scope: ReleaseScope, file: str, manifest: Manifest) -> Iterator[Finding]:
    spec = manifest["spec"]
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    pods = _selected(scope, selector)
    if not pods:
        yield from _no_pods(scope, file, ("spec", "selector"), "PodMonitor", selector)
    for index, endpoint in enumerate(spec.get("podMetricsEndpoints") or ()):
        key = "port" if "port" in endpoint else "portNumber"
        for pod in pods:
            if endpoint.get(key) not in pod.ports:
                yield _no_port(file, ("spec", "podMetricsEndpoints", index, key), endpoint.get(key, "?"), pod)


def _deployment(scope: ReleaseScope, file: str, manifest: Manifest) -> Iterator[Finding]:
    selector = (manifest["spec"].get("selector") or {}).get("matchLabels") or {}
    for pod in scope.pods:
        mine, matches = pod.file == file, pod.matches(selector)
        if mine and not matches:
            message = f"the {manifest['kind']} does not select its own pods"
            yield Finding(file, ("spec", "selector"), message, "repeat the selector's labels in template.metadata")
        elif matches and not mine:
            other = f"{pod.owner['kind']}/{pod.owner['metadata']['name']}"
            message = f"the {manifest['kind']} selects the pods of {other} too, and would delete them"
            yield Finding(file, ("spec", "selector"), message, "select a label that only its own pods carry")


# ---- routes and what they lead to --------------------------------------------------------------------------


def _service_ports(scope: ReleaseScope, name: str) -> set[str | int] | None:
    """The ports of a Service, the chart's own or one that a controller derives; None where there is none."""
    file = scope.by_name.get(("Service", name))
    if file is not None:
        ports = scope.objects[file]["spec"].get("ports") or ()
        return {port["port"] for port in ports} | {port["name"] for port in ports if "name" in port}
    for pod in scope.pods:
        if pod.owner["kind"] == "DynamoGraphDeployment":
            component = f"{pod.owner['metadata']['name']}-{str(pod.holder.get('name', '')).lower()}"
            if component == name:
                return set(pod.ports)
    return None


def _backend(scope: ReleaseScope, file: str, path: Path, name: str, port: str | int | None) -> Iterator[Finding]:
    ports = _service_ports(scope, name)
    if ports is None:
        services = sorted(n for kind, n in scope.by_name if kind == "Service")
        hint = f"name a Service of the release ({', '.join(services)})"
        yield Finding(file, path, f"there is no Service {name} in this release", hint)
    elif port is not None and port not in ports:
        listed = ", ".join(str(p) for p in sorted(ports, key=str))
        yield Finding(file, path, f"the Service {name} has no port {port}", f"use one of its ports ({listed})")


def _route(scope: ReleaseScope, file: str, manifest: Manifest) -> Iterator[Finding]:
    environment = scope.resolved.context.environment.value
    spec = manifest["spec"]
    gateway = environment.gateway
    for index, parent in enumerate(spec.get("parentRefs") or ()):
        here = parent.get("namespace", scope.resolved.namespace)
        if gateway is None or (parent["name"], here) != (gateway.name, gateway.namespace):
            have = f"{gateway.namespace}/{gateway.name}" if gateway else "none"
            message = f"the environment has no gateway {here}/{parent['name']}"
            yield Finding(file, ("spec", "parentRefs", index), message, f"it declares this one: {have}")
    for number, rule in enumerate(spec.get("rules") or ()):
        for index, backend in enumerate(rule.get("backendRefs") or ()):
            path: Path = ("spec", "rules", number, "backendRefs", index)
            if backend.get("kind", "Service") != "Service":
                continue
            if backend.get("namespace", scope.resolved.namespace) != scope.resolved.namespace:
                yield from _elsewhere(environment, file, path, backend)
            else:
                yield from _backend(scope, file, path, backend["name"], backend.get("port"))


def _elsewhere(environment: Environment, file: str, path: Path, backend: Manifest) -> Iterator[Finding]:
    keda = environment.keda
    wanted = (backend["namespace"], backend["name"], backend.get("port"))
    if keda is None or wanted != (keda.namespace, keda.interceptor, keda.interceptor_port):
        have = f"{keda.namespace}/{keda.interceptor}:{keda.interceptor_port}" if keda else "none"
        message = f"the Service {wanted[0]}/{wanted[1]}:{wanted[2]} is no interceptor that the environment declares"
        yield Finding(file, path, message, f"it declares under `keda`: {have}")


def _interceptor(scope: ReleaseScope, file: str, manifest: Manifest) -> Iterator[Finding]:
    target = manifest["spec"].get("target") or {}
    if target.get("service"):
        port = target.get("port", target.get("portName"))
        yield from _backend(scope, file, ("spec", "target"), target["service"], port)


def _binding(scope: ReleaseScope, file: str, manifest: Manifest) -> Iterator[Finding]:
    role = manifest["roleRef"]
    if (role["kind"], role["name"]) not in scope.by_name:
        message = f"there is no {role['kind']} {role['name']} in this release"
        yield Finding(file, ("roleRef", "name"), message, "bind a Role that the release makes")
    for index, subject in enumerate(manifest.get("subjects") or ()):
        if (subject["kind"], subject["name"]) not in scope.by_name:
            message = f"there is no {subject['kind']} {subject['name']} in this release"
            yield Finding(file, ("subjects", index, "name"), message, "bind an account that the release makes")


def _external(scope: ReleaseScope, file: str, manifest: Manifest) -> Iterator[Finding]:
    store = scope.resolved.context.environment.value.secret_store
    wanted = manifest["spec"].get("secretStoreRef") or {}
    if store is None or (wanted.get("name"), wanted.get("kind")) != (store.name, store.kind):
        have = f"{store.kind}/{store.name}" if store else "none"
        message = f"the environment has no secret store {wanted.get('kind')}/{wanted.get('name')}"
        yield Finding(file, ("spec", "secretStoreRef"), message, f"it declares under secretStore: {have}")


_BY_KIND: dict[str, Callable[[ReleaseScope, str, Manifest], Iterator[Finding]]] = {
    "Deployment": _deployment,
    "ExternalSecret": _external,
    "HTTPRoute": _route,
    "InterceptorRoute": _interceptor,
    "NetworkPolicy": _policy,
    "PodDisruptionBudget": _budget,
    "PodMonitor": _monitor,
    "RoleBinding": _binding,
    "Service": _service,
    "StatefulSet": _deployment,
}


# ---- inside a pod ------------------------------------------------------------------------------------------


def _pod(scope: ReleaseScope, pod: Pod) -> Iterator[Finding]:
    priority = pod.spec.get("priorityClassName")
    declared = scope.resolved.context.environment.value.priority_class
    if priority and priority != declared and not priority.startswith("system-"):
        message = f"the environment makes no PriorityClass {priority}"
        hint = (
            f"it declares priorityClass: {declared}" if declared else "declare it as priorityClass in the environment"
        )
        yield Finding(pod.file, (*pod.path, "spec", "priorityClassName"), message, hint)
    volumes = {volume["name"] for volume in pod.spec.get("volumes") or ()}
    for path, container in pod.containers:
        for index, mount in enumerate(container.get("volumeMounts") or ()):
            if mount["name"] not in volumes:
                message = f"the pod has no volume {mount['name']}"
                yield Finding(pod.file, (*path, "volumeMounts", index, "name"), message, "declare it under volumes")
        yield from _container_ports(pod, path, container)


def _container_ports(pod: Pod, path: Path, container: Manifest) -> Iterator[Finding]:
    ports = ports_of(container)
    for probe in PROBES:
        for handler in ("httpGet", "tcpSocket", "grpc"):
            asked: Any = ((container.get(probe) or {}).get(handler) or {}).get("port")
            if asked is not None and asked not in ports:
                message = f"the probe asks port {asked}, which the container does not declare"
                listed = ", ".join(str(port) for port in ports) or "none"
                yield Finding(pod.file, (*path, probe, handler, "port"), message, f"it declares: {listed}")
    if not ports:
        return
    variables = variables_of(container)
    for variable, name in PORT_VARIABLES.items():
        if name in ports and variables.get(variable, str(ports[name])) != str(ports[name]):
            message = f"{variable} moves the server to port {variables[variable]}, and port `{name}` is {ports[name]}"
            yield Finding(pod.file, (*path, "ports"), message, f"let both say the same, or leave {variable} out")
    served = argument(container, *PORT_FLAGS)
    if served is not None and served.isdigit() and int(served) not in ports:
        declared = ", ".join(str(port) for port in ports)
        message = f"the server listens on port {served}, which the container does not declare"
        yield Finding(pod.file, (*path, "ports"), message, f"it declares: {declared}; let both say the same")


def _paths(scope: ReleaseScope, pod: Pod, path: Path, container: Manifest) -> Iterator[Finding]:
    """What the probes of the engine ask is what it answers: any other path is 404, and the pod never ready."""
    runtime = runtime_of(scope.resolved.context)
    answers = tuple(dict.fromkeys((runtime.probes.alive, runtime.probes.ready, *runtime.probes.others)))
    for probe in PROBES:
        asked = (container.get(probe) or {}).get("httpGet") or {}
        if asked and asked.get("path", "/").partition("?")[0] not in answers:
            message = f"the {probe} asks {asked.get('path', '/')}, which {runtime.program} does not answer"
            yield Finding(pod.file, (*path, probe, "httpGet", "path"), message, f"it answers {', '.join(answers)}")
