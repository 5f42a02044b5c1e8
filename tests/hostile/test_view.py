"""Who is let into the live view. A real server, and real clients over loopback."""

import inspect
import logging
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from tests.support.show_scenes import save_made_up_avatar
from tests.support.view_clients import CAMERA, SPOKEN, address, at_work, client, looking_on, packed, soon, status, viser  # noqa: F401
from tests.support.view_scenes import archive
from understudy.errors import InputError
from understudy.viewer.live import LiveView

door_module = pytest.importorskip("understudy.viewer.door")
Door = door_module.Door


# who is let in


def test_the_printed_address_leads_to_the_page_and_its_socket(view):
    _, _, secret = address(view)
    for path in (secret, f"{secret}/", f"{secret}?websocket=ws://127.0.0.1{secret}"):
        assert status(view, path) == 200 and status(view, path, upgrade=True) == 101


@pytest.mark.parametrize("upgrade", [False, True])
def test_nothing_is_served_without_the_secret(view, upgrade):
    _, _, secret = address(view)
    other = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    for path in ("/", "/index.html", other, secret[:-1], secret.upper(), f"/?token={secret[1:]}", f"{secret}/index.html",
                 f"/..{secret}", f"/{secret}", "*", "/\xff", f"http://evil.example{secret}"):  # fmt: skip
        assert status(view, path, upgrade) == 403, path


@pytest.mark.parametrize("upgrade", [False, True])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}", "localhost.evil.example", "127.0.0.1@evil.example",
     "evil.example#127.0.0.1", "10.9.8.7:{port}", "0.0.0.0:{port}", "2130706433", "127.1", "localhost.", "[::2]", "[::1", "::1",
     "[127.0.0.1]x", "", ":{port}", "localhost:{port}x", "l\xf6calhost", None, ["localhost", "evil.example"]],
)  # fmt: skip
def test_a_name_that_was_made_to_lead_here_is_refused(view, host, upgrade):
    named = host.format(port=address(view)[1]) if isinstance(host, str) else host
    assert status(view, upgrade=upgrade, Host=named) == 403


@pytest.mark.parametrize(
    "host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST", "localhost:9000", "[::1]:{port}"]
)
def test_this_machines_own_names_are_taken_also_through_a_forwarded_port(view, host):
    named = host.format(port=address(view)[1])
    for scheme in ("http", "https"):
        assert status(view, upgrade=True, Host=named, Origin=f"{scheme}://{named}") == 101


@pytest.mark.parametrize("upgrade", [False, True])
@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://evil.example", "null", "", "file://", "http://127.0.0.1", "http://127.0.0.1:3000",
     "http://localhost:{port}", "http://127.0.0.1:{port}.evil.example", "http://127.0.0.1:{port}/", "ws://127.0.0.1:{port}",
     ["http://127.0.0.1:{port}", "http://evil.example"]],
)  # fmt: skip
def test_pages_of_other_sites_and_ports_are_refused_even_with_the_secret(view, origin, upgrade):
    port = address(view)[1]
    asked = [one.format(port=port) for one in ([origin] if isinstance(origin, str) else origin)]
    assert status(view, upgrade=upgrade, Origin=asked) == 403


def test_another_protocol_is_refused_and_never_told_to_the_terminal(view, capfd):
    for spoken in ("viser-v0.0.0", "viser-v[red]x", "viser-v\x1b[2Jx", "viser-v", None):
        assert status(view, upgrade=True, **{"Sec-WebSocket-Protocol": spoken}) in (400, 0)
    assert capfd.readouterr() == ("", "")


def test_the_secret_is_kept_from_caches_other_pages_and_logs(view, caplog):
    host, port, secret = address(view)
    with caplog.at_level(logging.DEBUG), socket.create_connection((host, port), timeout=10) as asking:
        asking.sendall(f"GET {secret} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = asking.recv(4096).decode(errors="replace").split("\r\n\r\n")[0].lower()
        assert status(view, upgrade=True) == 101 and status(view, Host="evil.example") == 403
    assert "cache-control: no-store" in head and "referrer-policy: no-referrer" in head
    assert "frame-ancestors 'none'" in head and "set-cookie" not in head
    assert secret[1:] not in caplog.text


def test_each_view_has_its_own_secret(view):
    doors = [Door("localhost", 0) for _ in range(3)]
    assert len({one.urls[0].rsplit("/", 1)[1] for one in doors} | {view.url.rsplit("/", 1)[1]}) == 4
    for one in doors:
        one.socket.close()


def test_only_so_many_look_on(view, monkeypatch):
    monkeypatch.setattr(door_module, "MOST_VIEWERS", 2)
    with looking_on(view), looking_on(view):
        assert status(view, upgrade=True) == 503
    soon(lambda: status(view, upgrade=True) == 101)


def test_silent_connections_do_not_use_up_the_machine(view, monkeypatch):
    monkeypatch.setattr(door_module, "MOST_CONNECTIONS", 5)
    host, port, _ = address(view)
    with looking_on(view):
        soon(lambda: len(view.server.get_clients()) == 1)
        idle = [socket.create_connection((host, port), timeout=10) for _ in range(9)]
        try:
            gone = [one for one in idle if closed(one)]
            assert 4 <= len(gone) <= 6
        finally:
            for one in idle:
                one.close()
        soon(lambda: view.server.get_clients())


def closed(connection, patience=0.5):
    """Whether the other side has hung up."""
    connection.settimeout(patience)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_viser_that_opens_its_server_in_another_way_is_not_used(monkeypatch):
    stopped = []

    class Other:
        def __init__(self, **options):
            assert options["host"] == "127.0.0.1"

        def stop(self):
            stopped.append(True)

    monkeypatch.setattr(viser, "ViserServer", Other)
    with pytest.raises(InputError, match="this viser cannot be kept to those who may look"):
        LiveView(archive(), port=8860)
    assert stopped
    with socket.create_server(("127.0.0.1", 8860)):  # nobody listens there any more
        pass


# where it listens


def test_the_next_port_is_taken_and_printed_as_a_number():
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        door = Door("localhost", taken)
        with door.socket:
            assert door.socket.getsockname()[1] > taken and door.local
            # another user may listen at another address of the name
            assert door.urls[0].startswith(f"http://127.0.0.1:{door.socket.getsockname()[1]}/")


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [("localhost", 70000, "--port is 70000"), ("localhost", -1, "--port is -1"), ("no.such.host.invalid", 8080, "--host"),
     ("", 8080, "--host ''"), ("a" * 300, 8080, "--host"), ("192.0.2.1", 8080, "nothing can listen at 192.0.2.1:8080")],
)  # fmt: skip
def test_where_nothing_can_listen_one_sentence_says_so(host, port, said):
    with pytest.raises(InputError, match=re.escape(said)):
        Door(host, port)


def test_other_machines_need_the_secret_too(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "Studio")
    outside = outside_address()
    live = LiveView(archive(), host="0.0.0.0", port=8870)
    try:
        port = int(live.url.split(":")[2].split("/")[0])
        assert not live.local
        assert {re.search(r"//([\d.]+):", url)[1] for url in live.urls} == {"127.0.0.1"} | ({outside} - {None})
        for host in ("studio", "studio.local", f"localhost:{port}", *filter(None, [outside])):
            assert status(live, Host=host) == 200 if host != outside else True
            assert status(live, "/", Host=host) == 403
        assert status(live, Host="evil.example") == status(live, Host="0.0.0.0") == status(live, Host="10.9.8.7") == 403
        if outside is not None:
            with socket.create_connection((outside, port), timeout=10) as asking:
                secret = live.url.rsplit("/", 1)[1]
                asking.sendall(f"GET /{secret} HTTP/1.1\r\nHost: {outside}:{port}\r\n\r\n".encode())
                assert asking.recv(4096).startswith(b"HTTP/1.1 200")
    finally:
        live.stop()


def outside_address():
    found = door_module._seen_from_outside(socket.AF_INET)
    return str(found[0]) if found else None


def test_the_command_prints_the_address_and_ends_with_ctrl_c(tmp_path):
    avatar = save_made_up_avatar(tmp_path / "avatar.tar")
    command = [sys.executable, "-m", "understudy.cli", "view", str(avatar), "--port", "8880"]
    program = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ, COLUMNS="40")
    )
    try:
        url = re.fullmatch(r"open (http://127\.0\.0\.1:\d+/[\w-]{43})\n", program.stdout.readline())[1]
        with client.connect(
            url.replace("http", "ws", 1), subprotocols=[SPOKEN], compression=None, max_size=None
        ) as browser:
            browser.send(packed(**CAMERA))
            browser.recv(timeout=10)
            program.send_signal(signal.SIGINT)
            assert program.wait(20) == 0
        assert program.stdout.read() == "Ctrl-C ends the view\n"
    finally:
        program.kill()
        program.wait()


def test_viser_asks_for_nothing_that_the_door_does_not_see():
    """What ``Door.guarding`` stands on: viser serves by this function alone, and hears browsers by ``recv``."""
    from viser.infra import _infra

    source = inspect.getsource(_infra)
    assert source.count("websockets.asyncio.server.serve(") == 1 and source.count(".recv(") == 1
    assert "create_server" not in source and "recv_streaming" not in source
