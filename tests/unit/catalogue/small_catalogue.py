"""A small valid catalogue, which tests modify."""

from __future__ import annotations

from pathlib import Path

SMALL_CATALOGUE = """\
controller: Corner Shop
always:
  clear: [essential.legal_obligation]
defaults:
  retention: P1Y
  uses:
    clear: [functional.service]
purposes:
  essential.legal_obligation:
    {bit: 0, basis: legal_obligation, family: necessary, label: Law, description: The law., meaning: We must.}
  functional.service:
    {bit: 1, basis: contract, family: necessary, label: Shop, description: The shop., meaning: You buy.}
groups:
  contact: How to reach a customer.
  commerce: What a customer bought.
objects:
  contact.address: Where a customer lives.
attributes:
  contact.email:
    number: 1
    type: String
    category: user.contact.email
    description: E-mail address.
    identifier: email
  contact.address.postalCode:
    number: 2
    type: String
    category: user.contact.address.postal_code
    description: Postal code.
    traits: [address.postalCode]
    uses:
      coarse: [functional.service]
  commerce.tier:
    number: 3
    type: String
    category: user.account.settings
    description: Tier.
    values: [bronze, gold]
    sealed: false
  commerce.spend:
    number: 4
    type: Money
    currency: EUR
    category: user.behavior.purchase_history
    description: Spend.
    sealed: false
    computed: {fold: sum, events: [Order Completed], property: total}
identifiers:
  email: {normalise: email, category: user.contact.email, description: E-mail.}
  cookie: {normalise: token, category: user.device.cookie_id, description: Cookie.}
sources:
  shop: {channel: web, label: Shop, user_id: email, anonymous_id: cookie}
recipients:
  till:
    {label: Till, description: Who sells., role: staff, purposes: [functional.service]}
money: {currency: EUR, stated_by: shop}
properties:
  order_id: {type: String, category: user.behavior.purchase_history, description: Order.}
  total: {type: Money, category: user.behavior.purchase_history, description: Total.}
  shop: {type: String, category: user.behavior.purchase_history, description: Shop.}
events:
  Order Completed:
    description: An order.
    category: user.behavior.purchase_history
    channels: [web]
    required: [total]
    properties: [shop, order_id]
    distinct_by: [[order_id]]
imports:
  past:
    label: Past orders
    source: shop
    key: [number]
    time: {column: day, format: '%d.%m.%Y'}
    user_id: mail
    traits:
      address.postalCode: zip
    events:
      Order Completed:
        properties: {total: amount}
    statements:
      - purposes: {functional.service: {column: wanted, codes: {J: 'true'}}}
"""


def write_catalogue(folder: Path, text: str = SMALL_CATALOGUE, name: str = "small.yaml") -> Path:
    """Write one file of a catalogue into a folder; return the folder."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    return folder
