"""A session of requests without what a client of one server never needs. It takes a third of the CPU time.

`requests.Session` reads the environment, the user's netrc and its own defaults again for each request; with eight
connections that is more work than all of gocron's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from requests.utils import get_netrc_auth


class Session:
    """Keeps the connections to one server open. It reads the environment once, and follows no redirect.

    Proxies, certificates and netrc are those that requests would find. There are no cookies.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._adapter = requests.adapters.HTTPAdapter()
        self._settings: Mapping[str, Any] | None = None
        self._auth: tuple[str, str] | None = None

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int] | None,
        data: Mapping[str, str | int] | None,
        headers: Mapping[str, str],
        timeout: tuple[float, float],
        stream: bool = False,
    ) -> requests.Response:
        """Send one request. Raises what requests raises."""
        if self._settings is None:
            try:
                with requests.Session() as session:
                    self._settings = session.merge_environment_settings(url, {}, stream, None, None)
            except ValueError as error:  # Python cannot read it as a URL
                raise requests.exceptions.InvalidURL(str(error)) from None
            self._auth = get_netrc_auth(url)
        request = requests.PreparedRequest()
        request.prepare(method, url, headers={**self._headers, **headers}, params=params, data=data, auth=self._auth)
        response = self._adapter.send(request, timeout=timeout, **{**self._settings, "stream": stream})
        if not stream:
            response.content  # noqa: B018  # it is read here, as requests would
        return response

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()
