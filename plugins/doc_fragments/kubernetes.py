# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options by which modules reach a cluster; their types are in module_utils/kube/arguments."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation shared by everything that talks to a Kubernetes API."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig file, several joined by V(:), or a whole kubeconfig as a dictionary.
      - Without this and O(context), what E(KUBECONFIG) names is used, else the service account of
        the pod that this runs in, else C(~/.kube/config).
      - Can also be set by E(K8S_AUTH_KUBECONFIG).
    type: raw
  context:
    description:
      - Name of the context in the kubeconfig, instead of the current one.
      - Can also be set by E(K8S_AUTH_CONTEXT).
    type: str
  host:
    description:
      - URL of the API server. Together with O(api_key), O(username) and O(password), or
        O(client_cert) no kubeconfig is read; else it replaces the server of the kubeconfig.
      - Can also be set by E(K8S_AUTH_HOST).
    type: str
  api_key:
    description:
      - Bearer token to log in with.
      - Can also be set by E(K8S_AUTH_API_KEY).
    type: str
  username:
    description:
      - Name to log in with by HTTP basic authentication, where something before the API server
        takes it.
      - Can also be set by E(K8S_AUTH_USERNAME).
    type: str
  password:
    description:
      - Password for O(username).
      - Can also be set by E(K8S_AUTH_PASSWORD).
    type: str
  client_cert:
    description:
      - Path of a client certificate to log in with (PEM).
      - Can also be set by E(K8S_AUTH_CLIENT_CERT) or E(K8S_AUTH_CERT_FILE).
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - Path of the key for O(client_cert), unless that file holds it too.
      - Can also be set by E(K8S_AUTH_CLIENT_KEY) or E(K8S_AUTH_KEY_FILE).
    type: path
    aliases: [key_file]
  ca_cert:
    description:
      - Path of the certificate authority that the API server's certificate is checked against.
      - Can also be set by E(K8S_AUTH_CA_CERT) or E(K8S_AUTH_SSL_CA_CERT).
    type: path
    aliases: [ssl_ca_cert]
  validate_certs:
    description:
      - Whether the API server's certificate is checked. Without this the kubeconfig decides, and
        without a word there it is checked.
      - Can also be set by E(K8S_AUTH_VALIDATE_CERTS) or E(K8S_AUTH_VERIFY_SSL).
    type: bool
    aliases: [verify_ssl]
  proxy:
    description:
      - URL of an HTTP proxy on the way to the API server. Without this the kubeconfig's, else that
        of E(HTTPS_PROXY) is used.
      - Can also be set by E(K8S_AUTH_PROXY).
    type: str
  no_proxy:
    description:
      - Hosts, domains, addresses and networks that are reached without the proxy, joined by
        commas. Without this E(NO_PROXY) is used.
      - Can also be set by E(K8S_AUTH_NO_PROXY).
    type: str
  proxy_headers:
    description:
      - What the proxy is told beside the request.
    type: dict
    suboptions:
      proxy_basic_auth:
        description:
          - Login for the proxy, as C(user:password).
          - Can also be set by E(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH).
        type: str
      basic_auth:
        description:
          - Login as C(user:password) for an C(Authorization) header that the proxy sees.
          - Can also be set by E(K8S_AUTH_PROXY_HEADERS_BASIC_AUTH).
        type: str
      user_agent:
        description:
          - The C(User-Agent) that the proxy sees.
          - Can also be set by E(K8S_AUTH_PROXY_HEADERS_USER_AGENT).
        type: str
  persist_config:
    description:
      - Whether a token that an auth provider of the kubeconfig has renewed is saved there.
      - Can also be set by E(K8S_AUTH_PERSIST_CONFIG).
    type: bool
  impersonate_user:
    description:
      - User to act as; the API server must allow that.
      - Can also be set by E(K8S_AUTH_IMPERSONATE_USER).
    type: str
  impersonate_groups:
    description:
      - Groups to act as, beside O(impersonate_user).
      - Can also be set by E(K8S_AUTH_IMPERSONATE_GROUPS), joined by commas.
    type: list
    elements: str
notes:
  - Names, aliases and environment variables of the connection options are those of
    C(kubernetes.core), so that one C(module_defaults) serves both collections.
requirements:
  - urllib3 >= 2.3, for a cluster
"""
