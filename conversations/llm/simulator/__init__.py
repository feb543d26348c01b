"""A development tool: a server on loopback that speaks the OpenAI protocol as DeepSeek does, without a model.

It answers only from the prompt it is sent, models DeepSeek's prefix cache and pace, and can be told to fail in every
way that docs/simulator.md lists. It is no language model and must never be shown to customers as one. No Django.
"""
