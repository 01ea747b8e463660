// Mercurius with graphql-jit. BENCH_CHECKS=on: the token is verified (with a cache), and the resolver of each attribute
// checks the purposes. BENCH_CHECKS=off: no verification and no checks.
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
  type Commerce { loyaltyTier: String  lifetimeValue: Money  orderCount: Int }
  type Money { amount: String!  currency: String! }
  type Preferences { language: String }
`

function attributeResolver (attribute) {
  const name = attribute.split('.').pop()
  const purposes = policy[attribute]
  return (source, _, context) => {
    const tokenPurposes = context.purposes
    const refused = source.refused
    for (const purpose of purposes) {
      if (tokenPurposes.has(purpose) && !refused.includes(purpose)) return source.of[name]
    }
    throw new Error(`${attribute} may not be seen`)
  }
}

function groupResolver (name) {
  return (source) => ({ of: source.of[name], refused: source.refused })
}

function checkedResolvers (people) {
  const source = (document) => ({ of: document, refused: document.refused })
  const resolvers = {
    Query: {
      customer: async (_, { id }) => {
        const document = await people.findOne({ _id: id }, { projection })
        return document && source(document)
      },
      customers: async (_, { first }) => {
        const documents = await people.find({}, { projection, sort: { n: 1 }, limit: first }).toArray()
        return { nodes: documents.map(source) }
      }
    },
    Customer: {
      id: (source) => source.of._id,
      identity: groupResolver('identity'),
      contact: groupResolver('contact'),
      demographics: groupResolver('demographics'),
      commerce: groupResolver('commerce'),
      preferences: groupResolver('preferences')
    },
    Contact: { address: groupResolver('address') }
  }
  const types = { identity: 'Identity', contact: 'Contact', address: 'Address', demographics: 'Demographics', commerce: 'Commerce', preferences: 'Preferences' }
  for (const attribute of Object.keys(policy)) {
    const [name, of] = attribute.split('.').reverse()
    const type = types[of]
    resolvers[type] = { ...resolvers[type], [name]: attributeResolver(attribute) }
  }
  return resolvers
}

function uncheckedResolvers (people) {
  const renameId = (document) => { if (document) document.id = document._id; return document }
  return {
    Query: {
      customer: async (_, { id }) => renameId(await people.findOne({ _id: id }, { projection })),
      customers: async (_, { first }) => {
        const documents = await people.find({}, { projection, sort: { n: 1 }, limit: first }).toArray()
        return { nodes: documents.map(renameId) }
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
    resolvers: checks ? checkedResolvers(people) : uncheckedResolvers(people),
    jit: 1,
    context: checks
      ? (request) => ({ purposes: new Set(verify(request.headers.authorization.slice(7)).purposes) })
      : undefined
  })
  await app.listen({ host: '127.0.0.1', port: Number(BENCH_PORT) })
  process.on('SIGTERM', async () => { await app.close(); await client.close(); process.exit(0) })
}

main()
