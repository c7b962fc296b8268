"""Reads and writes an instrument node with pymodbus, Modbus RTU on a TCP port or a serial line.

Usage: poll.py TARGET polls COUNT           alternates functions 03 and 04, eight registers; prints what came, as JSON
       poll.py TARGET ask REQUEST...        as tests/interop/modbus_client.py; a request is one argument:
                                            UNIT read|holding ADDRESS COUNT, UNIT write ADDRESS WORD..., UNIT one
                                            ADDRESS WORD, UNIT identity CODE OBJECT, UNIT coils ADDRESS COUNT

TARGET is a port of 127.0.0.1 or the path of a terminal. A request that gets no reply within a second is a time-out of
this client: it is counted, late bytes are thrown away, and the next request is sent. Everything else is an error.
"""

import json
import sys
import time

from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ModbusIOException

target, what, *rest = sys.argv[1:]
if target.isdigit():
    client = ModbusTcpClient("127.0.0.1", port=int(target), framer=FramerType.RTU, timeout=1, retries=0)
else:
    client = ModbusSerialClient(target, framer=FramerType.RTU, baudrate=115200, timeout=1, retries=0)
if not client.connect():
    sys.exit("not connected")


def drained():
    """Throws away what comes late; RTU has no number that would tell it from the next reply."""
    time.sleep(0.5)
    client.close()
    time.sleep(0.2)
    while not client.connect():
        time.sleep(0.2)


def polls(count):
    said = {"polls": count, "ok": 0, "timeouts": 0, "errors": []}
    times = []
    begun = time.monotonic()
    for number in range(count):
        started = time.monotonic()
        try:
            if number % 2:
                answer = client.read_holding_registers(0x10, count=8, device_id=1)
            else:
                answer = client.read_input_registers(0x10, count=8, device_id=1)
        except ModbusIOException:
            said["timeouts"] += 1
            drained()
            continue
        if answer.isError() or len(answer.registers) != 8:
            said["errors"].append(str(answer))
        else:
            said["ok"] += 1
            times.append(time.monotonic() - started)
    took = time.monotonic() - begun
    times.sort()
    at = lambda part: round(1000 * times[min(len(times) - 1, int(part * len(times)))], 3) if times else None
    said.update(seconds=round(took, 2), p50_ms=at(0.5), p99_ms=at(0.99), p999_ms=at(0.999), max_ms=at(1))
    return said


def ask(request):
    unit, table, *numbers = request.split()
    unit, numbers = int(unit), [int(number, 0) for number in numbers]
    if table == "identity":
        answer = client.read_device_information(read_code=numbers[0], object_id=numbers[1], device_id=unit)
    elif table == "write":
        answer = client.write_registers(numbers[0], numbers[1:], device_id=unit)
    elif table == "one":
        answer = client.write_register(numbers[0], numbers[1], device_id=unit)
    elif table == "coils":
        answer = client.read_coils(numbers[0], count=numbers[1], device_id=unit)
    elif table == "holding":
        answer = client.read_holding_registers(numbers[0], count=numbers[1], device_id=unit)
    else:
        answer = client.read_input_registers(numbers[0], count=numbers[1], device_id=unit)
    if answer.isError():
        return {"exception": answer.exception_code}
    if table == "identity":
        return {str(key): text.decode() for key, text in answer.information.items()}
    return answer.registers if table not in ("write", "one") else {"written": answer.address}


if what == "polls":
    print(json.dumps(polls(int(rest[0]))))
else:
    for request in rest:
        try:
            print(json.dumps(ask(request)), flush=True)
        except ModbusIOException:
            print(json.dumps("silence"), flush=True)
            drained()
client.close()
