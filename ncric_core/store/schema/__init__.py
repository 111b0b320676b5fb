"""Migrations in order, and the tables of edm.yaml."""
