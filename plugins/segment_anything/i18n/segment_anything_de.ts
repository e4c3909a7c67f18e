<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
    <context>
        <name>SegmentAnything</name>
        <message>
            <location filename="../map_tool/target.py" />
            <source>'{0}' can't be written ({1}): choose another place</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>, about {0} left</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>, {0} failed</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>/data; /mnt/data=/data (here=there)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/dock.py" />
            <source>A GeoPackage for the objects</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/dock.py" />
            <source>Accept</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/target.py" />
            <source>Accept an object</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/part.py" />
            <source>Accepted into '{0}': {1}, score {2}.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/part.py" />
            <source>Add a raster to point at.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>All stay</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>All, without overlaps</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/refilter.py" />
            <location filename="../processing/run_algorithm.py" />
            <source>Area</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Area of interest</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Areas from {0:g} to {1:g} m² leave nothing: choose a larger maximum.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/refilter.py" />
            <source>As a run of the other algorithms left it.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/engine_algorithm.py" />
            <source>As in the settings</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/part.py" />
            <source>Asking the model…</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>At least as much as the largest object that should be seen whole.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Backend by the settings: {0} ({1})</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Backend status and set-up</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/tool.py" />
            <source>Backspace, Ctrl+Z</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Bands, in the order red, green, blue</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Begin anew, though the same run was begun before</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/segment_prompts.py" />
            <source>Boxes around the objects</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/segment_prompts.py" />
            <source>By their kind: points as clicks, polygons as outlines. Of lines only boxes can be taken.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/refilter.py" />
            <location filename="../processing/update_layer.py" />
            <source>Change</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>Check</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/tool.py" />
            <source>Click</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/part.py" />
            <source>Click an object, or drag a box around it.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/segment_prompts.py" />
            <source>Clicks on the objects</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/refilter.py" />
            <location filename="../processing/run_algorithm.py" />
            <source>Colour the objects by</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>Compute</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Cuts</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Darkest share of the pixels that becomes black (%)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <location filename="../settings_page/form.py" />
            <source>Device</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/tool.py" />
            <source>Drag</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/segment_prompts.py" />
            <source>Draws the outline of one object for each feature of a layer: points lie on the objects, boxes are around them, polygons are rough outlines of them.

The objects carry the fields of their features with 'prompt_' before the names, and the feature's id as 'prompt_id'. Features outside the raster have no object; the log says how many.

The layer may have any CRS. A multipoint is several clicks on one object.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Each for itself</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Each for itself; with right angles where that fits, for buildings; or with borders that neighbours share, for fields and land cover (that takes objects without overlaps).</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Else a run of the same values goes on where it was stopped, and the same run again is done at once.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Else the largest alone.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/tool.py" />
            <source>Enter</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/tool.py" />
            <source>Esc</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Extent</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Fewer need less memory; the result is the same.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/segment_raster.py" />
            <source>Finds all objects of a raster of any size and draws their outlines.

The raster is looked at in overlapping tiles; objects that lie in several tiles are put together, so that no seams remain. Each object gets the score that the model gives itself (the IoU that it predicts), its stability, and its area and perimeter measured on the ellipsoid.

A run can be stopped at any time. It goes on where it was when the algorithm is run again with the same values, also after a crash. To filter or draw its objects otherwise, use 'Re-filter a finished run': that takes seconds.

Small objects are missed? Take more points along the side of a tile, or a larger magnification. Too little is found? Lower the least score and stability. Memory runs out? Compute fewer points together.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Finished tiles are kept: the same algorithm with the same values goes on.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Folder of the backend's source, where it isn't installed</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Folder of the environment</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>Folder that holds sam_backend</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>Folders it sees too</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>For XYZ tiles, WMS and the like, which also need an extent.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/dock.py" />
            <source>Forget the object in progress (Esc)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>From the edges of its pixels; 0 keeps every corner. Empty: what suits the way of drawing.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Further options of pip</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>How far an outline may stray (pixels)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>How little the outline depends on the threshold.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/refilter.py" />
            <location filename="../processing/run_algorithm.py" />
            <source>Journal of the run</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Journals (*.journal)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Keep all pieces of an object</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Larger objects go.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Largest area (m²; empty: any)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/update_layer.py" />
            <source>Layer to update</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Least area (m²)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Least area of a hole (m²)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Least score (0 to 1)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Least score of a written object (0 to 1; 0: any)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Least stability (0 to 1)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Least stability of a written object (0 to 1; 0: any)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Look again at objects that no tile saw whole</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>Looking again at objects that no tile saw whole</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/tool.py" />
            <source>M</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Magnification (times the raster's own)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/dock.py" />
            <source>Make a GeoPackage for the objects</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Make an environment</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Masks that the model itself trusts less go. Lower it where too little is found.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Masks whose outline depends more on the threshold go.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <location filename="../settings_page/form.py" />
            <source>Model</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Model (name or file of weights)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>Model {0} on {1}, backend {2}</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>More find smaller objects and take longer: the time grows with the square.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Name a Python that has the backend, or the URL of a server.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/dock.py" />
            <source>New scratch layer</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/dock.py" />
            <source>Next mask</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>None: in the profile.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>None: one on PATH.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>None: the backend's default.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Number of failed tiles</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/refilter.py" />
            <location filename="../processing/run_algorithm.py" />
            <source>Number of objects</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/refilter.py" />
            <location filename="../processing/run_algorithm.py" />
            <source>Objects</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/dock.py" />
            <source>Objects go to</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Objects within objects</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>Objects: {0} written, {1} filtered out, {2} seen whole by no tile</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/refilter.py" />
            <source>Of a run of 'Update a layer of outlines'.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Of the whole raster; bands of 8 bits are shown as they are.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Of two such masks the worse one goes.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/engine_algorithm.py" />
            <source>On this machine, or on the server of the settings.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>One band is shown as grey. None: those tagged red, green and blue, else the first three.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/refilter.py" />
            <location filename="../processing/run_algorithm.py" />
            <source>One colour</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Only the innermost</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Only the outermost</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Only tiles that meet it are looked at. None: all.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Outlines</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Overlap of boxes from which on two masks are one (IoU, 0 to 1)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Overlap of tiles (pixels)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Pixel size of layers without pixels of their own (units of the raster's CRS)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Points along the side of a tile</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Points computed together</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/segment_prompts.py" />
            <source>Points, boxes or polygons, in any CRS.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/update_layer.py" />
            <source>Polygons, in any CRS.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Polygons; only tiles that meet them are looked at.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/segment_prompts.py" />
            <source>Prompts</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/dock.py" />
            <source>Put the outline into the target layer (Enter)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>Python</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Python (of the environment, or to make one with)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Python of the backend</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>Python with the backend</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/dock.py" />
            <location filename="../processing/run_algorithm.py" />
            <source>Raster</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/refilter.py" />
            <source>Re-filter a finished run</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Right angles where they fit</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/tool.py" />
            <source>Right-click</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/segment_prompts.py" />
            <source>Rough outlines of the objects</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Say what to install: the project's wheel, the folder of its source, or a requirement.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Says which backend the other algorithms use and whether it works, and sets it up.

'Make an environment' makes a Python environment of the backend's own and installs the backend there; QGIS's own Python is left alone. Name the project's wheel, the folder of its source, or a requirement as pip knows them. Without the internet, give pip the options '--no-index --find-links FOLDER' with a folder of wheels. PyTorch without CUDA is much smaller: name its index of CPU wheels by '--extra-index-url'.

'Use what is named here' keeps a Python that has the backend, or a server's URL, in the settings. A server's token is kept by the page of settings.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/refilter.py" />
            <location filename="../processing/run_algorithm.py" />
            <source>Score</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/part.py" />
            <source>Segment objects by clicking</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/segment_raster.py" />
            <source>Segment raster (automatic)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/segment_prompts.py" />
            <source>Segment with prompts</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/engine_algorithm.py" />
            <location filename="../settings_page/form.py" />
            <source>Server</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Share of the pixels below white (%)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Shared borders</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Shared borders need objects that don't overlap: choose 'All, without overlaps' too.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/update_layer.py" />
            <source>Shift of the whole layer to the east</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/update_layer.py" />
            <source>Shift of the whole layer to the north</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Show the status</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Shows each of them to the model once more, in a tile of its own.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Shows objects so many times as large: 2 for things of a few pixels, 0.5 for things larger than a tile.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Side of a tile (pixels)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Smaller holes are filled.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Smaller objects go. Areas are measured on the ellipsoid.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>Source folder, if not installed</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/dock.py" />
            <source>Start anew</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/engine_algorithm.py" />
            <source>Starting the backend</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>Starting the backend and waiting for its answer…</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>State</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>State: complete or cancelled</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/raster_source.py" />
            <source>Stopped while {0} was being written.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Stopped: finished tiles are kept, the same algorithm with the same values goes on.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Such as cpu or cuda. None: the best there is.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Such as http://gpu.example.org:9090.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/segment_prompts.py" />
            <source>Take the features as</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/dock.py" />
            <source>Take the last click or box back (Backspace, Ctrl+Z)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/update_layer.py" />
            <source>Takes the polygons of a layer for prompts on newer imagery and draws each object anew.

First the layer as a whole is laid where it fits the picture best, as old and new imagery seldom lie on each other: the log says by how much it lies off. Then each outline says what became of the old one: 'iou_to_old' (1: the same), 'shift_east' and 'shift_north' in the units of the raster's CRS, and 'change': unchanged, moved or gone. The old fields are carried with 'prompt_' before their names, and the feature's id as 'prompt_id', for joining the old layer.

A result to be looked at, not a verdict: start with the objects said to be moved or gone.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/refilter.py" />
            <source>Tell what became of old outlines</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>The IoU that the model predicts.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/engine_algorithm.py" />
            <location filename="../processing/run_algorithm.py" />
            <source>The algorithm wasn't prepared: run it through Processing.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/feature_file.py" />
            <source>The area of interest holds no polygon: choose another layer or extent.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/feature_file.py" />
            <source>The extent has no place in the raster's CRS ({0}): choose another one.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>The layer as a whole lies off: move it by {0:.2f} to the east and {1:.2f} to the north ({2} outlines)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>The layer as a whole lies where it should, by {0} of its outlines</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/feature_file.py" />
            <source>The layer of prompts has no features: draw or select some, or choose another layer.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/engine_algorithm.py" />
            <source>The model can't be loaded.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/part.py" />
            <source>The model sees no object there: add a click, or drag a box around it.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/result_layers.py" />
            <source>The objects can't be written ({0}): see that there is room.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>The overlap is {0} and the tile {1} pixels: choose an overlap smaller than the tile.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>The same algorithm with the same values tries the failed tiles again.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>The token isn't encrypted, since QGIS has no master password: whoever reads the settings of this profile knows it. Set one under Options &gt; Authentication and give the token again.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/part.py" />
            <source>There is no outline to accept yet: point at an object first.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>This machine</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Tile {0}: {1}</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Tiles</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>Tiles: {0} done, {1} without data, {2} failed, {3} left</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>Token</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>URL</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>URL of a server</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/dock.py" />
            <source>Undo</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Unresolved cuts</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/update_layer.py" />
            <source>Update a layer of outlines</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Use what is named here</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>Version of the backend</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>What became of each tile: state, seconds, objects.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>What goes on with the run and filters it anew. Not given: beside the objects, or in the profile.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>What the model sees at once.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/segment_prompts.py" />
            <source>What they are</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>What to do</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/set_up.py" />
            <source>What to install (wheel, folder or requirement)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>Where objects end at a tile's edge that no tile saw whole.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/engine_algorithm.py" />
            <source>Where the model computes</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>Whether the whole layer lies off can't be told: it has few outlines, or the picture few edges</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>Which of nested objects stay. Without overlaps, smaller objects lie over larger ones, of which the rest remains.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/dock.py" />
            <source>Whole, part or sub-part (M)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/engine_algorithm.py" />
            <source>Worker on this machine</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/refilter.py" />
            <source>Writes the objects of a run once more, with other limits of score and area, another choice among nested objects, or outlines drawn otherwise. Neither the raster nor the model is needed, so it takes seconds.

The journal lies beside the objects of the run ('objects.gpkg.journal'); the log of a run with a temporary layer says where it is. A run that was stopped can be written too.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>Writing objects</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/raster_source.py" />
            <source>Writing {0} in one file with the layer's CRS and place</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/tool.py" />
            <source>a box around it</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/part.py" />
            <source>a layer for objects takes the CRS of the raster: add a raster first</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/tool.py" />
            <source>accept</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/outcome.py" />
            <source>decode</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/outcome.py" />
            <source>draw</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/outcome.py" />
            <source>embed</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/dressing.py" />
            <source>gone</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/http_client.py" />
            <source>it has no raster engine (status {0})</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/environment.py" />
            <source>it isn't said what to install: give the project's wheel, the folder of its source, or a requirement</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/target.py" />
            <source>it refused the feature</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/environment.py" />
            <location filename="../engine/worker_end.py" />
            <source>it said nothing</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/http_client.py" />
            <source>its answer isn't JSON</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/environment.py" />
            <source>make room, or choose a folder on another disk</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/outcome.py" />
            <source>mask {0}</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/outcome.py" />
            <source>mask {0} of {1} ({2}), {3}</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/dressing.py" />
            <source>moved</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/tool.py" />
            <source>next mask: whole, part, sub-part</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/environment.py" />
            <source>no Python from 3.10 on that can make environments is on PATH: install one (on Debian: apt install python3-venv; on Windows: python.org) and name it</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/choose.py" />
            <source>no Python with the backend is known: run the algorithm 'Backend status and set-up' of the toolbox, or name one under Settings &gt; Options &gt; Segment Anything</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/check.py" />
            <source>no more is known</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/choose.py" />
            <source>no server is named: give its URL under Settings &gt; Options &gt; Segment Anything, or choose the local worker</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>on the server</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>on the server if it answers, else on this machine</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>on this machine</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/outcome.py" />
            <source>outline</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/outcome.py" />
            <source>part</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/outcome.py" />
            <source>read</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/connection.py" />
            <source>reading the view</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/outcome.py" />
            <source>render</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/outcome.py" />
            <source>score {0}, {1}</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/tool.py" />
            <source>start anew</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/connection.py" />
            <source>starting the engine, once in a session</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/http_client.py" />
            <source>status {0}</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/environment.py" />
            <source>stopped before the environment was whole: the same again goes on</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/local_worker.py" />
            <location filename="../engine/server.py" />
            <source>stopped before there was a result</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/http_client.py" />
            <source>stopped while the file was being sent</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/local_worker.py" />
            <source>stopped while the model was loading</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/outcome.py" />
            <source>sub-part</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/tool.py" />
            <source>take the last back</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/crossing.py" />
            <source>that place has no coordinates in {0}: click nearer to the raster</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/session.py" />
            <source>that place lies beside the raster '{0}': point at the raster</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/local_worker.py" />
            <source>the Python {0} can't be started ({1}): name another one under Settings &gt; Options &gt; Segment Anything, or let the algorithm 'Backend status and set-up' make one</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/worker_end.py" />
            <source>the Python {0} has no {1}: run the algorithm 'Backend status and set-up' of the toolbox to make an environment that has, or name another one</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/choose.py" />
            <source>the Python {0} isn't there any more: run the algorithm 'Backend status and set-up' of the toolbox, or name another one under Settings &gt; Options &gt; Segment Anything</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/check.py" />
            <source>the backend</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/check.py" />
            <source>the backend answers, but its model is {0} ({1})</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/environment.py" />
            <source>the backend can't be installed</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>the backend's default, or a name or file of weights</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>the best there is, or cpu, cuda ...</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/worker_end.py" />
            <source>the disk is full: make room and run the same again, finished tiles are kept</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/environment.py" />
            <source>the environment can't be made</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/environment.py" />
            <source>the folder of wheels lacks one, or it is for another Python or system: download it again for this one</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/target.py" />
            <source>the layer '{0}' can't be edited: choose another one for the objects</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/target.py" />
            <source>the layer '{0}' took no object ({1}): choose another one</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/environment.py" />
            <source>the log above says more</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/crossing.py" />
            <source>the outline has no coordinates in {0}: choose another layer for it</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/view_source.py" />
            <source>the raster '{0}' isn't in sight: right-click it in the layers panel and zoom to it</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/crossing.py" />
            <source>the raster's CRS</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/server.py" />
            <source>the server {0}</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/http_client.py" />
            <source>the server {0} can't be reached ({1}): see that it runs and that its URL is right</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/http_client.py" />
            <source>the server {0} is busy: try again in a while</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/http_client.py" />
            <source>the server {0} refuses the token: give the one of its SAM_API_TOKEN under Settings &gt; Options &gt; Segment Anything</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/http_client.py" />
            <source>the server's URL is '{0}': give one such as http://gpu.example.org:9090</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/worker_end.py" />
            <source>the worker ended at work with exit code {0} ({1}): run the same again, finished tiles are kept</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/worker_end.py" />
            <source>the worker ended before the model was loaded with exit code {0} ({1}): run the same again</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/worker_end.py" />
            <source>the worker was asked to end from outside: run the same again to go on</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/local_worker.py" />
            <source>the worker was ended before there was a result</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/worker_end.py" />
            <source>the worker was killed, most likely because memory ran out: close other programs or take fewer points per batch, then run the same again; finished tiles are kept</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>there is no Python: name one that has the backend, or run 'Backend status and set-up' of the toolbox</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>there is no URL of a server: name one, or choose this machine</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/session.py" />
            <source>there is no raster to point at: add one and choose it in the panel Segment Anything</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/tool.py" />
            <source>this is not</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/tool.py" />
            <source>this is the object</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/outcome.py" />
            <source>transport</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>tries what is named here; nothing is kept until you press OK</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/dressing.py" />
            <source>unchanged</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/target.py" />
            <source>unknown reason</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/outcome.py" />
            <source>wait</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/http_client.py" />
            <source>what answers at {0} isn't a Segment Anything backend of this version, {1}: check the URL, or update the server</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/form.py" />
            <source>where the server wants one</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../map_tool/outcome.py" />
            <source>whole</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/environment.py" />
            <source>without the internet, download on another machine of the same kind with 'pip download -d wheels ...', bring the folder here and give pip the options --no-index --find-links FOLDER</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../settings_page/check.py" />
            <source>works: model {0} on {1}, backend {2}, {3} s</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>{0:.1f} h</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>{0:.2f} % of the outlines lie where tiles meet</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/engine.py" />
            <source>{0} (version {1}) speaks protocol {2}, this plugin speaks {3}: update the backend</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/engine.py" />
            <source>{0} (version {1}) speaks protocol {2}, this plugin speaks {3}: update the plugin</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/parameter_groups.py" />
            <source>{0} bands were chosen: choose one (grey), two or three (red, green, blue).</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/raster_source.py" />
            <source>{0} can't be copied to {1} ({2}): see that there is room.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/http_client.py" />
            <source>{0} can't be written ({1}): make room or choose another place</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/raster_source.py" />
            <source>{0} can't be written to {1} (error {2}): see that it shows on the map and that there is room.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/feature_file.py" />
            <source>{0} can't be written: see that there is room.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/environment.py" />
            <source>{0} can't make environments: install its module venv (on Debian: apt install python3-venv)</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>{0} has no CRS, so other layers can't be placed on it: assign one to the layer.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/result_layers.py" />
            <source>{0} has no layer {1}: the backend is of another version.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/run_algorithm.py" />
            <source>{0} has no pixels of its own: give an extent and a resolution.</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/environment.py" />
            <source>{0} is Python {1}: name one from 3.10 on</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/environment.py" />
            <source>{0} is no Python that starts: name another one</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/raster_source.py" />
            <source>{0} is no plain file: writing {1} x {2} pixels of it to {3}</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../engine/environment.py" />
            <source>{0} makes an environment in {1}</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>{0} min</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>{0} of {1} tiles, {2} masks</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>{0} prompts have no answer: outside the raster, or of another kind</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/conversation.py" />
            <source>{0} s</source>
            <translation type="unfinished" />
        </message>
        <message>
            <location filename="../processing/raster_source.py" />
            <source>{0} would have {1} x {2} pixels here: choose a smaller extent or larger pixels.</source>
            <translation type="unfinished" />
        </message>
    </context>
</TS>
