// Function node: takes a record as it came over MQTT, gives it decoded if it proves itself. Written from agent/record/FORMAT.md.
// Output 1: records to believe, once each. Output 2: what proves nothing, or contradicts what came before.
// `cbor` (cbor-x) and `crypto` come from the node's setup; the registry of the centre is in flow.registry.
const TYP = "application/vnd.tidewaiter.record+cbor; v=1";
const HALF = (0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n - 1n) / 2n;
const REMEMBERED = 4096;
const KINDS = ["genesis", "reading", "no-reading", "event", "heartbeat", "time-step", "time-repair", "instrument-identity",
  "config-activated", "limits-activated", "command-result", "stopped", "resumed", "key-rotate", "recovery", "shutdown",
  "inspection", "interval", "inspection", "interval", "follow-up", "warning", "evidence", null, "trimmed"];

const decoder = new cbor.Decoder({ mapsAsObjects: false, useRecords: false, int64AsNumber: true });
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bstr = (bytes) => {
  const n = bytes.length;
  const head = n < 24 ? [0x40 + n] : n < 256 ? [0x58, n] : [0x59, n >> 8, n & 255];
  return Buffer.concat([Buffer.from(head), bytes]);
};
const refuse = (why) => { throw new Error(why); };

function verify(key, alg, message, signature) {
  const raw = Buffer.from(key.public, "hex");
  const part = (from, to) => raw.subarray(from, to).toString("base64url");
  if (alg === -19 && key.alg === "Ed25519") {
    const jwk = { kty: "OKP", crv: "Ed25519", x: part(0, 32) };
    return crypto.verify(null, message, crypto.createPublicKey({ key: jwk, format: "jwk" }), signature);
  }
  if (alg === -9 && key.alg === "ESP256") {
    // Of two values that fit, only the smaller is a signature here.
    if (BigInt("0x" + hex(signature.subarray(32))) > HALF) return false;
    const jwk = { kty: "EC", crv: "P-256", x: part(0, 32), y: part(32, 64) };
    const public_ = crypto.createPublicKey({ key: jwk, format: "jwk" });
    return crypto.verify("sha256", message, { key: public_, dsaEncoding: "ieee-p1363" }, signature);
  }
  return false;
}

function open(bytes, registry) {
  if (!Buffer.isBuffer(bytes) || bytes.length > 32768) refuse("no record: set the MQTT node to give a buffer");
  const item = decoder.decode(bytes);
  if (!item || item.tag !== 18 || item.value.length !== 4) refuse("no COSE_Sign1");
  const [protected_, unprotected, payload, signature] = item.value;
  const header = decoder.decode(protected_);
  if (unprotected.size !== 0 || header.size !== 5 || header.get(16) !== TYP) refuse("no record of version 1");
  const [chain, seq, prev] = header.get(-70001);
  const agent = header.get(15).get(1);
  const key = registry.keys.find((it) => it.kid === hex(header.get(4)));
  if (!key) refuse("unknown key; load the registry again if it is a new one");
  if (key.role !== "agent" || key.agent !== agent || key.chain !== hex(chain)) refuse("key of another agent or chain");
  if (seq < key.from_seq || (key.to_seq !== null && seq > key.to_seq)) refuse("the key may not sign this number");
  const message = Buffer.concat([Buffer.from([0x84, 0x6a]), Buffer.from("Signature1"), bstr(protected_), Buffer.from([0x40]), bstr(payload)]);
  if (signature.length !== 64 || !verify(key, header.get(1), message, signature)) refuse("the signature does not fit the bytes");
  const [kind, time, detail] = decoder.decode(payload);
  const flags = detail instanceof Map ? Number(detail.get(0) || 0) : 0;
  const simulated = key.simulated || (flags & 1) === 1;
  if (simulated && registry.class === "production") refuse("a simulated record, and the registry is of class production");
  const said = { agent, chain: hex(chain), seq, prev: hex(prev), kind: KINDS[kind] || `kind-${kind}`,
    at: new Date(time[0]).toISOString(), simulated, drill: (flags & 2) === 2 };
  if (kind === 16 || kind === 18) {
    Object.assign(said, { inspection: detail.get(1), procedure: detail.get(2), place: detail.get(3),
      identities: detail.get(4).get(2).map((it) => it.get(2)), verdict: detail.get(13), disposition: detail.get(15) });
  }
  return said;
}

let record;
try {
  const registry = flow.get("registry");
  if (!registry) refuse("no registry yet: see the node that reads it");
  record = open(msg.payload, registry);
  if (msg.topic.split("/")[3] !== record.agent) refuse(`a record of ${record.agent}, published as somebody else`);
} catch (why) {
  node.status({ fill: "red", shape: "dot", text: why.message });
  return [null, { topic: msg.topic, payload: { proof: "refused", why: why.message } }];
}

// The chain: what came, by number and hash.
const digest = crypto.createHash("sha256").update(msg.payload).digest("hex");
const chains = context.get("chains") || {};
const known = (chains[record.chain] = chains[record.chain] || { hashes: {}, order: [] });
context.set("chains", chains);
const before = known.hashes[record.seq - 1];
if (known.hashes[record.seq] === digest) return null;
const forked = known.hashes[record.seq] !== undefined || (before !== undefined && before !== record.prev);
if (forked) {
  node.status({ fill: "red", shape: "ring", text: `${record.agent} forked at ${record.seq}` });
  return [null, { topic: msg.topic, payload: { proof: "forked", ...record } }];
}
const proof = before === undefined && known.order.length ? "gap" : "ok";
known.hashes[record.seq] = digest;
known.order.push(record.seq);
while (known.order.length > REMEMBERED) delete known.hashes[known.order.shift()];
node.status({ fill: proof === "ok" ? "green" : "yellow", shape: "dot", text: `${record.agent} ${record.seq}` });
return [{ topic: msg.topic, payload: { proof, ...record } }, null];
