// Mercurius with graphql-jit. BENCH_CHECKS=on: the token is verified (and remembered) and each attribute has a
// resolver that asks for a purpose; off: neither, the least it can do.
'use strict'

const { createVerifier } = require('fast-jwt')
const { createPublicKey } = require('node:crypto')
const fastify = require('fastify')
const mercurius = require('mercurius')
const { MongoClient } = require('mongodb')

const { BENCH_MONGO_URL, BENCH_DATABASE, BENCH_PORT, BENCH_POLICY, BENCH_FIELDS, BENCH_JWK, BENCH_CHECKS } = process.env
const policy = JSON.parse(BENCH_POLICY)
const projection = Object.fromEntries(JSON.parse(BENCH_FIELDS).map((name) => [name, 1]))
const checks = BENCH_CHECKS === 'on'

const schema = `
  type Query { customer(id: ID!): Customer  customers(first: Int!): Customers! }
  type Customers { nodes: [Customer!]! }
  type Customer {
    id: ID!  identity: Identity!  contact: Contact!  demographics: Demographics!
    commerce: Commerce!  preferences: Preferences!
  }
  type Identity { givenName: String  familyName: String }
  type Contact { email: String  phone: String  address: Address! }
  type Address { street: String  city: String  postalCode: String  country: String }
  type Demographics { birthDate: String }
  type Commerce { loyaltyTier: String  lifetimeValue: Float  orderCount: Int }
  type Preferences { language: String }
`

function shown (attribute) {
  const name = attribute.split('.').pop()
  const purposes = policy[attribute]
  return (source, _, context) => {
    const held = context.purposes
    const refused = source.refused
    for (const one of purposes) {
      if (held.has(one) && !refused.includes(one)) return source.of[name]
    }
    throw new Error(`${attribute} may not be seen`)
  }
}

function group (name) {
  return (source) => ({ of: source.of[name], refused: source.refused })
}

function guarded (people) {
  const source = (one) => ({ of: one, refused: one.refused })
  const resolvers = {
    Query: {
      customer: async (_, { id }) => {
        const found = await people.findOne({ _id: id }, { projection })
        return found && source(found)
      },
      customers: async (_, { first }) => {
        const found = await people.find({}, { projection, sort: { n: 1 }, limit: first }).toArray()
        return { nodes: found.map(source) }
      }
    },
    Customer: {
      id: (source) => source.of._id,
      identity: group('identity'),
      contact: group('contact'),
      demographics: group('demographics'),
      commerce: group('commerce'),
      preferences: group('preferences')
    },
    Contact: { address: group('address') }
  }
  const types = { identity: 'Identity', contact: 'Contact', address: 'Address', demographics: 'Demographics', commerce: 'Commerce', preferences: 'Preferences' }
  for (const attribute of Object.keys(policy)) {
    const [name, of] = attribute.split('.').reverse()
    const type = types[of]
    resolvers[type] = { ...resolvers[type], [name]: shown(attribute) }
  }
  return resolvers
}

function open (people) {
  const named = (one) => { if (one) one.id = one._id; return one }
  return {
    Query: {
      customer: async (_, { id }) => named(await people.findOne({ _id: id }, { projection })),
      customers: async (_, { first }) => {
        const found = await people.find({}, { projection, sort: { n: 1 }, limit: first }).toArray()
        return { nodes: found.map(named) }
      }
    }
  }
}

async function main () {
  const client = await MongoClient.connect(BENCH_MONGO_URL)
  const people = client.db(BENCH_DATABASE).collection('people')
  const key = createPublicKey({ key: JSON.parse(BENCH_JWK), format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  const verify = createVerifier({ key, algorithms: ['EdDSA'], allowedAud: 'discretion', cache: true })
  const app = fastify()
  app.register(mercurius, {
    schema,
    resolvers: checks ? guarded(people) : open(people),
    jit: 1,
    context: checks
      ? (request) => ({ purposes: new Set(verify(request.headers.authorization.slice(7)).purposes) })
      : undefined
  })
  await app.listen({ host: '127.0.0.1', port: Number(BENCH_PORT) })
  process.on('SIGTERM', async () => { await app.close(); await client.close(); process.exit(0) })
}

main()
