"""Reads a Modbus TCP server with pymodbus and says what came, as JSON.

Usage: modbus_client.py PORT REQUEST...
       a request is UNIT TABLE ADDRESS COUNT, UNIT identity, or UNIT write ADDRESS WORD; each is one argument

Answers one JSON value per request: a list of words or bits, an object of texts, or {"exception": CODE}.
"""

import json
import sys

from pymodbus.client import ModbusTcpClient

client = ModbusTcpClient("127.0.0.1", port=int(sys.argv[1]), timeout=5, retries=0)
if not client.connect():
    sys.exit("not connected")
READ = {
    "coil": client.read_coils,
    "discrete-input": client.read_discrete_inputs,
    "holding": client.read_holding_registers,
    "input": client.read_input_registers,
}
for request in sys.argv[2:]:
    unit, table, *numbers = request.split()
    if table == "identity":
        answer = client.read_device_information(read_code=1, object_id=0, device_id=int(unit))
    elif table == "write":
        answer = client.write_register(int(numbers[0]), int(numbers[1]), device_id=int(unit))
    else:
        answer = READ[table](int(numbers[0]), count=int(numbers[1]), device_id=int(unit))
    if answer.isError():
        said = {"exception": answer.exception_code}
    elif table == "identity":
        said = {str(key): text.decode() for key, text in answer.information.items()}
    elif table in ("coil", "discrete-input"):
        said = answer.bits[: int(numbers[1])]
    else:
        said = answer.registers
    print(json.dumps(said), flush=True)
client.close()
