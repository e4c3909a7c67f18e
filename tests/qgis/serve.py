"""The real service over some weights on a free port; its number is what it prints. Run by the backend's Python."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

if __name__ == "__main__":
    from werkzeug.serving import make_server

    from sam_backend.service.app import create_app
    from sam_backend.settings import Settings

    weights, token, spool = sys.argv[1:]
    app = create_app(Settings(model=weights, device="cpu", api_token=token, raster_spool=Path(spool)))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
