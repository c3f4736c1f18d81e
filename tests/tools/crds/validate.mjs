// Judges objects of the Prometheus Operator by the schemas of its CustomResourceDefinitions: reads a JSON array of
// objects from standard input, prints what is wrong with them, and fails if anything is, or if there is none to judge.
import * as v1 from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import { readFileSync } from "node:fs";

const GROUP = "monitoring.coreos.com/v1";

if (process.argv[2] === "--help") {
  console.log("usage: crd-validate < OBJECTS.json");
  process.exit(0);
}
const objects = JSON.parse(readFileSync(0, "utf8")).filter((object) => object.apiVersion === GROUP);
let failed = objects.length === 0;
if (failed) console.error(`no object of ${GROUP}`);
for (const object of objects) {
  const name = `${object.kind} ${object.metadata?.name}`;
  try {
    new v1[object.kind](object).validate();
    console.log(`${name}: valid`);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    failed = true;
  }
}
process.exitCode = failed ? 1 : 0;
