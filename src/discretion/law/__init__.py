"""Jurisdictions: rules as dated data, and what follows from them. Pure.

``schema/jurisdictions/*.yaml`` says what each law demands, since when, and in which article.
Everything here is a function of that and of a moment: no clock, no store, no person. Whatever is
unknown is taken as the strictest.
"""
