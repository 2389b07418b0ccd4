# Copyright (c) 2026, the c8s.ci maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of an object store; what they mean is in module_utils/storage/s3_settings."""

from __future__ import annotations


class ModuleDocFragment:
    """Where runs in a cluster keep logs, artifacts and caches."""

    DOCUMENTATION = r"""
options:
  object_store:
    description:
      - The bucket, and a prefix of keys, for the logs, artifacts and caches of runs in a cluster,
        like V(s3://builds/ci). Any service that speaks the protocol of S3 will do. Without it they
        are kept on the host, below O(store).
      - Credentials are no option. They are taken from where every AWS client of the host's process
        takes them, like E(AWS_ACCESS_KEY_ID) and E(AWS_SECRET_ACCESS_KEY), or E(AWS_PROFILE), in
        the C(environment) of the task. They enter no pod.
      - Can also be set by E(C8S_STORAGE_BUCKET).
    type: str
  object_store_endpoint:
    description:
      - The address of the service, where it is not Amazon's own. Pods have to reach it, too.
      - Can also be set by E(C8S_STORAGE_ENDPOINT).
    type: str
  object_store_region:
    description:
      - The region of the bucket. By default that of the profile, else V(us-east-1).
      - Can also be set by E(C8S_STORAGE_REGION).
    type: str
  object_store_addressing:
    description:
      - Whether addresses name the bucket in their path or in their host.
      - By default V(path) with an O(object_store_endpoint), V(auto) without.
      - Can also be set by E(C8S_STORAGE_ADDRESSING).
    type: str
    choices: [auto, path, virtual]
  object_store_ca_cert:
    description:
      - A file on the host with the authorities to trust, in pods beside the usual ones.
      - Can also be set by E(C8S_STORAGE_CA_CERT), and by E(AWS_CA_BUNDLE).
    type: path
requirements:
  - boto3 >= 1.36, for an object store
"""
