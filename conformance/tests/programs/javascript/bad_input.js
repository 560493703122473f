// Bad input is thrown or reported, and the next call answers.
import assert from "node:assert";
import * as api from "hpa-override";

const now = "2026-11-27T06:00:00Z";
const hpa = { metadata: { namespace: "shop", name: "web" }, spec: { maxReplicas: 5 } };
const answers = () => assert.deepEqual(api.effectiveBounds({ now, hpa }).effective, { minReplicas: 1, maxReplicas: 5 });

function refused(ask, code, path) {
  assert.throws(ask, (error) => {
    assert(error instanceof api.HpaOverrideError && error instanceof Error);
    assert.deepEqual([error.code, error.path], [code, path]);
    assert.deepEqual(error.report, { errors: [{ path, code, message: error.report.errors[0].message }], warnings: [] });
    assert(error.message.endsWith(error.report.errors[0].message));
    return true;
  });
  answers();
}

const nested = (levels) => JSON.parse("[".repeat(levels) + "]".repeat(levels));
let deep = [];
for (let level = 0; level < 500_000; level++) deep = [deep];
const cycle = {};
cycle.cycle = cycle;

const revoked = Proxy.revocable({}, {});
revoked.revoke();

refused(() => api.planHpa(), "typeInvalid", "");
refused(() => api.planHpa(() => 1), "typeInvalid", "");
refused(() => api.planHpa(null), "typeInvalid", "");
refused(() => api.planHpa({ now, hpa: nested(1000) }), "jsonInvalid", "");
refused(() => api.planHpa({ now, hpa: nested(127) }), "jsonInvalid", "");
refused(() => api.planHpa({ now, hpa, overrides: [nested(126)] }), "jsonInvalid", "");
refused(() => api.validateSettings(nested(127)), "jsonInvalid", "");
api.planHpa({ now, hpa: nested(126), overrides: [nested(125)] });
refused(() => api.planHpa({ now, hpa: deep }), "jsonInvalid", "");
refused(() => api.planHpa({ now, hpa: cycle }), "jsonInvalid", "");
refused(() => api.planHpa({ now, hpa: 1n }), "jsonInvalid", "");
refused(() => api.planHpa({ now, hpa: { name: "\ud800" } }), "jsonInvalid", "");
refused(() => api.planHpa({ get now() { throw null; } }), "jsonInvalid", "");
refused(() => api.planHpa({ toJSON() { throw undefined; } }), "jsonInvalid", "");
refused(() => api.planHpa({ toJSON() { throw "no"; } }), "jsonInvalid", "");
refused(() => api.planHpa({ toJSON() { throw Object.create(null); } }), "jsonInvalid", "");
refused(() => api.planHpa({ toJSON() { throw { get message() { throw new Error(); } }; } }), "jsonInvalid", "");
refused(() => api.planHpa(revoked.proxy), "jsonInvalid", "");
refused(() => api.reviewOverride({ now, object: {}, old: [] }), "typeInvalid", "old");
refused(() => api.planHpa({ now, hpa: "x".repeat(100_000_000) }), "jsonInvalid", "");
refused(() => api.validateSettings("ü".repeat(50_000_000)), "jsonInvalid", "");
refused(() => api.planHpa({ now, overides: [] }), "keyUnknown", "overides");
refused(() => api.planHpa({ now: "today" }), "instantInvalid", "now");
refused(() => api.planHpa({ now: new Date(NaN) }), "instantInvalid", "now");
refused(() => api.planHpa({ now: new Date("9001-01-01T00:00:00Z") }), "instantInvalid", "now");
refused(() => api.planHpa({ now: -1 }), "instantInvalid", "now");
refused(() => api.timeline({ now, hpa }), "instantInvalid", "until");
refused(() => api.effectiveBounds({ now, hpa: { spec: { maxReplicas: 2 ** 31 } } }), "hpaInvalid", "hpa.spec");
refused(() => api.nextTransition({ now, hpa, settings: { a: 1 } }), "settingsInvalid", "settings");
refused(() => api.planStatus({ now, overrides: {} }), "typeInvalid", "overrides");

function reported(spec, code, path) {
  const object = { metadata: { namespace: "shop", name: "a" }, spec: { hpa: "web", minReplicas: 2, duration: "1h", ...spec } };
  const { errors } = api.reviewOverride({ now, object }).report;
  assert.deepEqual(errors.map((error) => [error.code, error.path]), [[code, path]]);
  answers();
}

reported({ minReplicas: 2 ** 40 }, "amountInvalid", "spec.minReplicas");
reported({ schedule: { cron: "0 8 * * *", timeZone: "Europe/Nowhere" } }, "timeZoneUnknown", "spec.schedule.timeZone");
reported({ schedule: { cron: "0,".repeat(50_000) } }, "cronInvalid", "spec.schedule.cron");

let inner = 0;
for (let level = 0; level < 118; level++) inner = { "": inner };
const dense = Array(14_000).fill(inner);
assert.equal(api.admitHpa({ now, object: { ...hpa, dense } }).object, null);
answers();
const metadata = { namespace: "shop", name: "a" };
const object = { metadata, spec: { hpa: "web", minReplicas: 2, duration: "1h" }, dense };
assert.equal(api.reviewOverride({ now, object, request: { user: "alice" } }).object.dense.length, dense.length);
answers();

const numbers = [NaN, -Infinity, -0, 2.5, 2 ** 53];
const stamped = api.reviewOverride({ now, object: { ...object, dense: numbers }, request: { user: "alice" } }).object;
assert.deepEqual(stamped.dense, [null, null, 0, 2.5, 2 ** 53]);

const nameless = api.planHpa({ now, hpa, overrides: [{ ...object, metadata: {}, dense: [] }] });
assert.deepEqual([Object.values(nameless.phases), nameless.patch], [["Invalid"], null]);

const schedule = { cron: "* * * * *" };
const blocked = { metadata, spec: { hpa: "web", minReplicas: 9, duration: "1m", schedule } };
const span = api.timeline({ now, until: "2030-01-01T00:00:00Z", hpa, overrides: [blocked], settings: { replicaCeiling: 8 } });
assert.deepEqual([span.points.length, span.goesOnAt], [1, "2026-11-27T22:40:00Z"]);

assert.deepEqual(api.validateSettings({ maxDuration: "7d" }), []);
assert.deepEqual(api.validateSettings(7), ["the settings are not an object"]);
assert.equal(api.admitHpa({ now, object: hpa }).object, null);
