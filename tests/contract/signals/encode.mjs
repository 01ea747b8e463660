// Encodes random choices with the IAB's own libraries.
// node encode.mjs <seed> <count>
// Prints {"gpp": [{"text", "sections": {name: {field: value}}}], "tcf": [{"text", field: value}]} with the values
// that were passed to the libraries, not the values that the libraries decode.
import { GppModel } from '@iabgpp/cmpapi';
import { GVL, TCModel, TCString } from '@iabtcf/core';

const NAMES = ['uspv1', 'usnat', 'usca', 'usva', 'usco', 'usut', 'usct', 'usfl', 'usmt', 'usor', 'ustx', 'usde', 'usia',
  'usne', 'usnh', 'usnj', 'ustn', 'usmn', 'usmd', 'usin', 'usky', 'usri'];
const VENDOR = { purposes: [1], legIntPurposes: [2], flexiblePurposes: [], specialPurposes: [], features: [],
  specialFeatures: [] };
const TENTH = 100;

const [seed, count] = process.argv.slice(2).map(Number);
let state = seed;
const below = (limit) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
};
const maybe = () => below(2) === 1;
const some = (greatest) => Array.from({ length: greatest }, (_, index) => index + 1).filter(maybe);

const chosen = (name, field, value) => {
  if (name === 'uspv1') return field === 'Version' ? 1 : 'YN-'[below(3)];
  if (field.endsWith('SegmentType')) return value;
  if (field === 'MspaVersion') return 1 + below(9);
  if (field === 'Version') return name === 'usnat' ? 1 + below(2) : value;
  if (field === 'MspaCoveredTransaction') return 1 + below(2);
  if (typeof value === 'boolean') return maybe();
  return Array.isArray(value) ? value.map(() => below(3)) : below(3);
};

const tcModel = () => {
  const choices = {
    created: new Date((15e9 + below(3e9)) * TENTH),
    lastUpdated: new Date((15e9 + below(3e9)) * TENTH),
    cmpId: 2 + below(4094),
    cmpVersion: 2 + below(4094),
    consentScreen: below(64),
    vendorListVersion: 1 + below(4095),
    policyVersion: 2 + below(62),
    isServiceSpecific: maybe(),
    useNonStandardStacks: maybe(),
    purposeOneTreatment: maybe(),
    publisherCountryCode: 'ABCXYZ'[below(6)] + 'ABCXYZ'[below(6)],
    specialFeatureOptins: some(12),
    purposeConsents: some(24),
    purposeLegitimateInterests: some(24).filter((purpose) => purpose !== 1),
  };
  // the members that `new GVL` requires of a vendor list that it does not fetch from a URL
  const vendors = {};
  for (const id of maybe() ? some(40) : [below(9999) + 1, below(9999) + 1]) {
    vendors[id] = { ...VENDOR, id, name: `${id}` };
  }
  const { vendorListVersion, policyVersion: tcfPolicyVersion } = choices;
  const gvl = new GVL({
    gvlSpecificationVersion: 3, vendorListVersion, tcfPolicyVersion, lastUpdated: '2026-01-01T00:00:00Z',
    purposes: { 1: {}, 2: {} }, specialPurposes: {}, features: {}, specialFeatures: {}, stacks: {}, vendors,
  });
  const model = new TCModel(gvl);
  for (const [field, value] of Object.entries(choices)) {
    if (Array.isArray(value)) model[field].set(value);
    else if (!(value instanceof Date)) model[field] = value;
  }
  const ids = Object.keys(vendors).map(Number);
  model.vendorConsents.set(ids.filter(maybe));
  model.vendorLegitimateInterests.set(ids.filter(maybe));
  model.created = choices.created;
  model.lastUpdated = choices.lastUpdated;
  const times = { created: choices.created.getTime(), lastUpdated: choices.lastUpdated.getTime() };
  return { text: TCString.encode(model), ...choices, ...times };
};

const gppModel = (tcString) => {
  const model = new GppModel();
  const sections = {};
  const names = NAMES.filter(() => below(4) === 0);
  for (const name of names) {
    model.setFieldValue(name, name === 'uspv1' ? 'Version' : firstField(name), 1);
    sections[name] = {};
    for (const [field, value] of Object.entries(fieldsOf(model, name))) {
      sections[name][field] = chosen(name, field, value);
      model.setFieldValue(name, field, sections[name][field]);
    }
  }
  if (maybe()) {
    // the section's own encoder would set the date of today, so the encoded string is inserted unchanged
    model.setFieldValue('tcfeuv2', 'CmpId', 1);
    model.sections.get('tcfeuv2').encode = () => tcString;
    sections.tcfeuv2 = tcString;
  }
  return { text: model.encode(), sections };
};
const firstField = (name) => (['usmd', 'usin', 'usky', 'usri'].includes(name) ? 'MspaVersion' : 'Version');
const OPTIONAL = ['GpcSegmentIncluded', 'SensitiveDataConsentSegmentIncluded'];
const fieldsOf = (model, name) => {
  const fields = model.getSection(name);
  for (const field of OPTIONAL) {
    if (model.sections.get(name).segments.some((segment) => segment.hasField(field))) fields[field] = true;
  }
  return fields;
};

const tcf = Array.from({ length: count }, tcModel);
const gpp = Array.from({ length: count }, (_, index) => gppModel(tcf[index].text));
console.log(JSON.stringify({ gpp, tcf }));
