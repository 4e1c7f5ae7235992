# SPDX-License-Identifier: BSD-2-Clause
"""
The commands of doc/deploy.md, as printed there, by which a reader gets a public service. They run as root in namespaces of
their own, with an overlay over /etc and /srv; apt, systemctl and journalctl are replaced. pebble is the CA of certbot, and
Caddy is its own. Not part of `make check`: ./dev interop runs it.
"""

import os
import re
import shutil
import subprocess

import pytest
from conftest import HERE, WSPIPE
from test_acme import NAME, Authority
from test_proxies import DOC

# Each is a program in front of all others. The services are those of the units.
SHIMS = {
    "apt": """
[ "$1" = install ] || exit 1
shift
for package; do
    case $package in
    ./wspipe_*_amd64.deb) ;; # ./dev package makes and tests it
    *) command -v "$package" >/dev/null || exit 1 ;;
    esac
done
""",
    "systemctl": """
unit=%(units)s/wspipe.service.in
of_unit() { sed -n "s/^$1=//p" "$unit" /etc/systemd/system/wspipe.service.d/*.conf 2>/dev/null | tail -1; }
case "$*" in
"enable --now wspipe")
    [ -e /etc/wspipe/wspipe.conf ] || exit 1
    user=$(of_unit User)
    command=$(of_unit ExecStart | sed 's|^[^ ]*|wspipe|; s|@sysconfdir@|/etc|g')
    setpriv --reuid="${user:-nobody}" --clear-groups --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service \
        $command >%(place)s/journal 2>&1 &
    echo $! >%(place)s/pid
    tries=0
    until grep -q ' serving ' %(place)s/journal; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] && kill -0 "$!" || { cat %(place)s/journal; exit 1; }
        sleep 0.1
    done
    ;;
"reload wspipe") kill -HUP "$(cat %(place)s/pid)" ;;
"try-reload-or-restart wspipe") [ ! -e %(place)s/pid ] || kill -HUP "$(cat %(place)s/pid)" ;;
"daemon-reload") ;;
"reload caddy")
    { printf '{\\n admin off\\n local_certs\\n skip_install_trust\\n}\\n'; cat /etc/caddy/Caddyfile; } >%(place)s/Caddyfile
    XDG_DATA_HOME=%(place)s HOME=%(place)s caddy run --adapter caddyfile --config %(place)s/Caddyfile >%(place)s/caddy.log 2>&1 &
    tries=0
    until [ -e %(ca)s ] && curl -s -o /dev/null https://%(name)s/; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || { cat %(place)s/caddy.log; exit 1; }
        sleep 0.1
    done
    ;;
*) echo "systemctl: $*" >&2; exit 1 ;;
esac
""",
    "journalctl": """
[ "$*" = "--unit=wspipe --lines=10" ] || exit 1
tries=0
until grep 'SIGHUP: configuration reloaded' %(place)s/journal; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || { cat %(place)s/journal; exit 1; }
    sleep 0.1
done
""",
}
SETUP = """
set -eu
ip link set lo up
mount -t tmpfs tmpfs %(layers)s
for directory in /etc /srv; do
    mkdir -p %(layers)s$directory/upper %(layers)s$directory/work
    mount -t overlay -o lowerdir=$directory,upperdir=%(layers)s$directory/upper,workdir=%(layers)s$directory/work overlay $directory
done
rm -rf /etc/wspipe /etc/caddy && mkdir -p /etc/caddy
echo "127.0.0.1 %(name)s localhost" >/etc/hosts
export PATH=%(place)s/shims:%(program)s:$PATH SSL_CERT_FILE=%(ca)s CURL_CA_BUNDLE=%(ca)s
"""


def commands(section):
    """The blocks for the shell in a section of doc/deploy.md."""
    with open(DOC, encoding="utf-8") as file:
        text = re.search(r"^## %s$(.*?)(?=^## )" % section, file.read(), re.M | re.S)[1]
    found = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    assert found
    return found


@pytest.fixture
def run(open_place):
    """run(script, ca): its output; the script is run by bash as root, where it changes nothing."""
    probe = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.getuid() != 0 or subprocess.run([*probe, "true"], check=False).returncode != 0:
        pytest.skip("it needs root, with the right to make namespaces")
    for program in ("caddy", "curl", "ip"):
        if not shutil.which(program):
            pytest.skip("%s is missing" % program)
    (open_place / "layers").mkdir()
    (open_place / "shims").mkdir()

    def start(script, ca):
        values = {"place": open_place, "layers": open_place / "layers", "program": os.path.dirname(os.path.abspath(WSPIPE)),
                  "name": NAME, "ca": ca, "units": os.path.join(os.path.dirname(os.path.abspath(DOC)), "..", "systemd")}
        for name, text in SHIMS.items():
            path = open_place / "shims" / name
            path.write_text("#!/bin/bash\n" + text % values)
            path.chmod(0o755)
        done = subprocess.run([*probe, "bash", "-c", SETUP % values + script], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=300, check=False)
        journal = open_place / "journal"
        log = journal.read_text() if journal.exists() else ""
        assert done.returncode == 0, done.stdout + done.stderr + log
        return done.stdout, log

    return start


def test_a_public_service_in_ten_minutes(run, open_place):
    blocks = commands("A public service in ten minutes")
    out, log = run("\n".join(blocks), open_place / "caddy/pki/authorities/local/root.crt")
    assert out.startswith("200 OK\n") and "<!DOCTYPE html>" in out and "\nHello, world!\n" in out, out
    assert "SIGHUP: configuration reloaded" in out
    assert re.search(r"session #1 open remote=127\.0\.0\.1 target=/hello ", log), log


def test_tls_without_a_proxy(run, open_place):
    for program in ("pebble", "pebble-challtestsrv", "certbot"):
        if not shutil.which(program):
            pytest.skip("%s is missing: install pebble and certbot" % program)
    # pebble runs where the commands do, so it is started there.
    script = "\n".join(commands("TLS without a proxy"))
    helper = os.path.join(HERE, "test_deploy.py")
    script = "exec 3< <(%s %s %s)\nread -u 3 -r port http\n" % ("/usr/bin/python3", helper, open_place) + script
    script = re.sub(r"^certbot (.*)$", r"REQUESTS_CA_BUNDLE=%s/pebble.crt certbot \1 $options" % open_place, script, flags=re.M)
    script = script.replace("read -u 3 -r port http\n", "read -u 3 -r port http\noptions=\"--non-interactive --agree-tos "
                            "--register-unsafely-without-email --server=https://localhost:$port/dir --http-01-port=$http "
                            "--config-dir=%(p)s/le --work-dir=%(p)s/work --logs-dir=%(p)s/logs --no-random-sleep-on-renew\"\n"
                            % {"p": open_place})
    script = script.replace("echo world | wspipe", "echo world | wspipe --insecure")
    out, log = run(script + "\njournalctl --unit=wspipe --lines=10\n", "/etc/ssl/certs/ca-certificates.crt")
    assert "\nHello, world!\n" in out and "SIGHUP: configuration reloaded" in out, out + log


if __name__ == "__main__":
    import pathlib
    import sys

    authority = Authority(pathlib.Path(sys.argv[1]))
    print(authority.port, authority.http, flush=True)
    authority.processes[-1].wait()
