"""The service over HTTP: who may ask from where, probes, metrics, webhooks, the status page (docs/http.md).

What can be asked of projects is `service.control`, the same on the unix socket and on TCP. Here is what TCP needs
beside it, by the promises of reliability.md section 7. Nothing here is imported before a listener is opened.
"""
