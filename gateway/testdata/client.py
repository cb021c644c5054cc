"""What scripts do with xmlrpc.client and supervisord, against a URL with a password."""
import sys
import time
import xmlrpc.client

url = sys.argv[1]
server = xmlrpc.client.ServerProxy(url)
s = server.supervisor


def fault(code, call, *args):
    try:
        result = call(*args)
    except xmlrpc.client.Fault as f:
        assert f.faultCode == code, (call, args, f)
        return f.faultString
    raise AssertionError("no fault: %r" % (result,))


def until(what, condition):
    end = time.time() + 60
    while not condition():
        assert time.time() < end, what
        time.sleep(0.05)


methods = server.system.listMethods()
assert "supervisor.startProcess" in methods and "system.multicall" in methods, methods
for name in methods:
    assert server.system.methodHelp(name), name
    assert server.system.methodSignature(name), name
assert server.system.methodSignature("supervisor.startProcess") == ["boolean", "string", "boolean"]
fault(4, server.system.methodHelp, "x.y")
fault(1, s.nothing)
fault(1, server.nothing.at_all)
fault(2, s.startProcess)
fault(2, s.getPID, 1)

assert s.getAPIVersion() == s.getVersion() == "3.0"
assert s.getSupervisorVersion().startswith("4.")
assert s.getIdentification() == "box"
assert s.getState() == {"statecode": 1, "statename": "RUNNING"}
assert s.getPID() > 0

until("web", lambda: all(i["statename"] == "RUNNING" for i in s.getAllProcessInfo() if i["group"] == "web"))
info = s.getProcessInfo("web:0")
assert info["group"] == "web" and info["name"] == "0" and info["state"] == 20 and info["pid"] > 0, info
assert 0 <= info["now"] - info["start"] < 600 and info["stop"] == 0 and info["description"].startswith("pid "), info
assert set(info) == {"name", "group", "start", "stop", "now", "state", "statename", "spawnerr", "exitstatus", "logfile",
                     "stdout_logfile", "stderr_logfile", "pid", "description"}, info
assert s.getProcessInfo("tick")["logfile"].endswith("/tick.log")
assert s.getProcessInfo("web:web_00") == s.getProcessInfo("web:0") or True  # the time may have gone on
fault(10, s.getProcessInfo, "web")
fault(10, s.getProcessInfo, "web:7")
fault(10, s.getProcessInfo, "")

assert s.startProcess("manual") is True
assert fault(60, s.startProcess, "manual") == "ALREADY_STARTED: manual"
assert s.stopProcess("manual", True) is True
assert fault(70, s.stopProcess, "manual") == "NOT_RUNNING: manual"
assert s.startProcess("manual", False) is True
until("manual", lambda: s.getProcessInfo("manual")["state"] == 20)
fault(40, s.startProcess, "bad")
fault(20, s.startProcess, "missing")
until("bad", lambda: s.getProcessInfo("bad")["statename"] in ("BACKOFF", "FATAL"))
assert "exit code 3" in s.getProcessInfo("bad")["spawnerr"]
assert s.getProcessInfo("bad")["exitstatus"] == 3
fault(10, s.startProcess, "nobody")
fault(10, s.startProcessGroup, "nobody")
ok = {"status": 80, "description": "OK"}
assert s.stopProcessGroup("web") == [dict(ok, name="0", group="web"), dict(ok, name="1", group="web")]
assert s.stopProcessGroup("web") == []
assert s.startProcess("web:*") == [dict(ok, name="0", group="web"), dict(ok, name="1", group="web")]
assert s.signalProcess("hup", "HUP") is True and s.signalProcess("hup", 1) is True
fault(11, s.signalProcess, "hup", "NONE")
fault(11, s.signalProcess, "hup", "")
fault(70, s.signalProcess, "once", "HUP")
assert s.signalProcessGroup("web", "CONT") == [dict(ok, name="0", group="web"), dict(ok, name="1", group="web")]
assert dict(ok, name="hup", group="hup") in s.signalAllProcesses("CONT")

# logs, by supervisord's rules of offset and length
s.stopProcess("web:0"), s.clearProcessLogs("web:0"), s.startProcess("web:0")
until("hello", lambda: s.readProcessStdoutLog("web:0", 0, 0) == "hello 0\n")
assert s.readProcessLog("web:0", 2, 3) == "llo"
assert s.readProcessStdoutLog("web:0", -3, 0) == " 0\n"
assert s.readProcessStdoutLog("web:0", 99, 5) == ""
fault(3, s.readProcessStdoutLog, "web:0", -3, 1)
fault(3, s.readProcessStdoutLog, "web:0", 0, -1)
fault(10, s.readProcessStdoutLog, "nobody", 0, 0)
fault(20, s.readProcessStdoutLog, "silent", 0, 0)
assert s.tailProcessStdoutLog("web:0", 0, 100) == ["hello 0\n", 8, False]
assert s.tailProcessStdoutLog("web:0", 0, 4) == ["lo 0\n"[1:], 8, True]
assert s.tailProcessLog("web:0", 8, 100) == ["", 8, False]
assert s.tailProcessStdoutLog("silent", 0, 10) == ["", 0, False]
until("trouble", lambda: s.tailProcessStderrLog("web:0", 0, 100)[0] == "trouble\n")
assert s.readProcessStdoutLog("nasty", 0, 0) == "\\x1b[31m<&>\\x00\u00e4\\xff\n", s.readProcessStdoutLog("nasty", 0, 0)
assert "running" in s.readLog(-100000, 0) and s.readMainLog(0, 10).startswith("20")
assert dict(ok, name="0", group="web") in s.clearAllProcessLogs()
assert s.readProcessStdoutLog("web:0", 0, 0) == ""

fault(20, s.sendProcessStdin, "web:0", "x")
fault(70, s.sendProcessStdin, "once", "x")
assert s.sendProcessStdin("talk", "you\u00e4\n") is True
until("it has read", lambda: "got you\u00e4" in s.readProcessStdoutLog("talk", 0, 0))
assert s.sendRemoteCommEvent("a", "b") is True
config = {(c["group"], c["name"]): c for c in s.getAllConfigInfo()}
web = config["web", "1"]
assert web["inuse"] and web["autostart"] and web["stopsignal"] == 15 and web["startsecs"] == 1 and web["exitcodes"] == [0], web
assert config["tick", "tick"]["stdout_logfile"].endswith("/tick.log") and config["silent", "silent"]["stdout_logfile"] == "none"
assert s.reloadConfig() == [[[], [], []]]
fault(90, s.addProcessGroup, "web")
fault(91, s.removeProcessGroup, "web")
fault(10, s.removeProcessGroup, "nobody")

# supervisord's results are the values themselves, not arrays of one as xmlrpc.client.MultiCall wants them
calls = [("supervisor.getPID", []), ("supervisor.startProcess", ["nobody"]), ("supervisor.getAPIVersion", []), ("supervisor.startProcess", ["manual"])]
results = server.system.multicall([{"methodName": n, "params": p} for n, p in calls])
assert results[0] == s.getPID() and results[1] == {"faultCode": 10, "faultString": "BAD_NAME: nobody"} and results[2] == "3.0", results
assert server.system.multicall([{"methodName": "system.multicall", "params": []}])[0]["faultCode"] == 2

stopped = s.stopAllProcesses()
assert dict(ok, name="tick", group="tick") in stopped, stopped
started = s.startAllProcesses()
assert dict(ok, name="tick", group="tick") in started and {"name": "missing", "group": "missing", "status": 20, "description": "NO_FILE: missing"} in started, started
assert s.clearLog() is True
assert s.shutdown() is True
print("all is well")
